"""Texts that are no news, made here: programs, random characters, lists of links, menus, notices, other languages."""

from __future__ import annotations

import string
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

LETTERS = {
    "Latin": string.ascii_letters + "   ",
    "Turkish": "abcçdefgğhıijklmnoöprsştuüvyz   ",
    "Arabic": "ابتثجحخدذرزسشصضطظعغفقكلمنهويةىأإ    ",
    "Cyrillic": "абвгдежзийклмнопрстуфхцчшщъыьэюя   ",
    "printable": string.printable,
    "hexadecimal": "0123456789abcdef   ",
}
SECTIONS = {
    "ar": "الرئيسية|أخبار العالم|الاقتصاد|الرياضة|ثقافة وفنون|تكنولوجيا|صحة|رأي|فيديو|صور|من نحن|اتصل بنا|سياسة الخصوصية",
    "de": "Startseite|Politik|Wirtschaft|Sport|Kultur|Wissen|Reise|Meinung|Videos|Impressum|Datenschutz|Kontakt|Abo",
    "en": "Home|World|Politics|Business|Sport|Culture|Travel|Opinion|Video|About us|Contact|Privacy policy|Sign in",
    "es": "Inicio|Mundo|Política|Economía|Deportes|Cultura|Viajes|Opinión|Vídeos|Contacto|Aviso legal|Suscríbete",
    "fa": "صفحه اصلی|سیاسی|اقتصادی|ورزشی|فرهنگی|اجتماعی|بین الملل|عکس|فیلم|درباره ما|تماس با ما|آرشیو|پیوندها",
    "fr": "Accueil|Monde|Politique|Économie|Sport|Culture|Voyages|Opinions|Vidéos|Contact|Mentions légales|Abonnement",
    "it": "Home|Mondo|Politica|Economia|Sport|Cultura|Viaggi|Opinioni|Video|Contatti|Privacy|Abbonati|Accedi",
    "pl": "Strona główna|Świat|Polityka|Gospodarka|Sport|Kultura|Podróże|Opinie|Wideo|Kontakt|Regulamin|Zaloguj",
    "ru": "Главная|Мир|Политика|Экономика|Спорт|Культура|Путешествия|Мнения|Видео|Контакты|Реклама|Подписка|Войти",
    "tr": "Anasayfa|Dünya|Siyaset|Ekonomi|Spor|Kültür Sanat|Seyahat|Yazarlar|Video|Künye|İletişim|Gizlilik Politikası",
}
NOTICES = {
    "ar": [
        "نستخدم ملفات تعريف الارتباط لتحسين تجربتك في الموقع. بالضغط على موافق فإنك تقبل سياسة الخصوصية وشروط الاستخدام.",
        "جميع الحقوق محفوظة. اتصل بنا، أعلن معنا، شروط الاستخدام، سياسة الخصوصية، خريطة الموقع.",
        "اشترك في النشرة البريدية لتصلك أهم الأخبار على بريدك الإلكتروني. أدخل بريدك الإلكتروني واضغط اشتراك.",
        "تابعنا على فيسبوك وتويتر ويوتيوب وانستغرام. شارك المقال على واتساب أو أرسل تعليق إلى الموقع.",
    ],
    "de": [
        ("Wir verwenden Cookies, um unsere Website zu verbessern. Mit Klick auf Akzeptieren stimmen Sie der Nutzung zu. "
        "Einstellungen finden Sie in der Datenschutzerklärung."),
        "Newsletter abonnieren: Mit der Anmeldung akzeptieren Sie unsere Datenschutzbestimmungen und AGB.",
        "Impressum, Datenschutz, AGB, Kontakt, Mediadaten, Jobs. Alle Rechte vorbehalten.",
    ],
    "en": [
        ("We use cookies to improve your experience on our website. By clicking Accept you agree to our privacy policy "
        "and terms of use. You can change your preferences in your browser settings."),
        "Sign up for our newsletter and get the top stories in your inbox. Enter your email address to subscribe.",
        "Copyright 2026 Example Media. All rights reserved. Terms of use, Privacy policy, Contact us, Advertise.",
        "You have reached your limit of free articles. Subscribe or log in to your account to continue reading.",
        "Share this page on Facebook, Twitter, WhatsApp or email. Print. Comments are closed. Reply to this comment.",
        "Please enable JavaScript in your browser to view this page. If you have trouble, contact our help pages.",
    ],
    "es": [
        ("Utilizamos cookies propias para mejorar nuestro sitio web. Si continúa navegando acepta la política de cookies. "
        "Puede cambiar la configuración en su navegador."),
        "Suscríbete a nuestro boletín y recibe las noticias en tu correo. Aviso legal, privacidad, contacto, publicidad.",
    ],
    "fr": [
        ("Nous utilisons des cookies pour améliorer votre navigation sur notre site. Vous pouvez accepter, refuser ou "
        "modifier vos paramètres dans votre navigateur."),
        "Inscrivez-vous à notre newsletter. Mentions légales, confidentialité, contact, publicité, plan du site.",
    ],
    "it": [
        ("Questo sito utilizza cookie. Se vuoi saperne di più leggi l'informativa sulla privacy o cambia le impostazioni "
        "del tuo browser."),
        "Iscriviti alla newsletter. Termini e condizioni, privacy, contatti, pubblicità, lavora con noi, accedi.",
    ],
    "ru": [
        "Сайт использует cookies. Нажмите принять или измените настройки браузера. Политика конфиденциальности.",
        "Подпишитесь на рассылку. Регистрация, вход, контакты, реклама, вакансии. Все права защищены.",
    ],
    "tr": [
        ("Sitemizde çerezler kullanılmaktadır. Ayrıntılı bilgi için çerez politikamızı ve gizlilik politikası sayfamızı "
        "okuyun, kabul için tıklayın."),
        "Tüm hakları saklıdır. Künye, iletişim, reklam, kullanım koşulları, gizlilik politikası, site haritası.",
        "Bültenimize abone olun, haberler e-posta adresinize gelsin. Üye girişi yapın veya hemen üye olun.",
        "Bu haberi Facebook, Twitter ve WhatsApp ile paylaş. Yorum yaz. Yorumlarınız için üye girişi yapın.",
    ],
}  # fmt: skip
OTHERS = {
    "az": "Bu gün paytaxtda keçirilən görüşdə iki ölkənin nazirləri əməkdaşlıq məsələlərini müzakirə etdilər.",
    "ckb": "ئەمڕۆ لە پایتەخت وەزیرەکانی هەردوو وڵات دەربارەی هاوکاری و بازرگانی گفتوگۆیان کرد.",
    "el": "Σήμερα στην πρωτεύουσα οι υπουργοί των δύο χωρών συζήτησαν για τη συνεργασία και το εμπόριο.",
    "he": "היום בעיר הבירה דנו שרי שתי המדינות בשיתוף הפעולה ובסחר ביניהן.",
    "hi": "आज राजधानी में दोनों देशों के मंत्रियों ने सहयोग और व्यापार के बारे में बातचीत की।",
    "hu": "Ma a fővárosban a két ország miniszterei az együttműködésről és a kereskedelemről tárgyaltak.",
    "ja": "今日、首都で両国の大臣が協力と貿易について話し合いました。",
    "kmr": "Îro li paytextê wezîrên her du welatan li ser hevkarî û bazirganiyê axivîn.",
    "ko": "오늘 수도에서 양국 장관들이 협력과 무역에 대해 논의했습니다.",
    "nl": "Vandaag spraken de ministers van beide landen in de hoofdstad over samenwerking en handel.",
    "pt": "Hoje, na capital, os ministros dos dois países conversaram sobre a cooperação e o comércio.",
    "ro": "Astăzi, în capitală, miniștrii celor două țări au discutat despre cooperare și comerț.",
    "sv": "I dag talade de båda ländernas ministrar i huvudstaden om samarbete och handel.",
    "sw": "Leo katika mji mkuu mawaziri wa nchi hizo mbili walizungumza kuhusu ushirikiano na biashara.",
    "th": "วันนี้ที่เมืองหลวง รัฐมนตรีของทั้งสองประเทศหารือเรื่องความร่วมมือและการค้า",
    "uk": "Сьогодні у столиці міністри обох країн обговорили співпрацю та торгівлю.",
    "ur": "آج دارالحکومت میں دونوں ممالک کے وزراء نے تعاون اور تجارت کے بارے میں بات چیت کی۔",
    "uz": "Bugun poytaxtda ikki davlat vazirlari hamkorlik va savdo masalalarini muhokama qilishdi.",
    "vi": "Hôm nay tại thủ đô, bộ trưởng hai nước đã thảo luận về hợp tác và thương mại.",
}


def code(rng: random.Random, count: int) -> list[str]:
    """Ten to thirty lines from anywhere in Python's own library; where only comments stand there, they are prose."""
    files = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    found = []
    while len(found) < count:
        lines = rng.choice(files).read_text(encoding="utf-8", errors="replace").splitlines()
        if len(lines) >= 60:
            at, size = rng.randrange(30, len(lines) - 20), rng.choice((10, 20, 30))
            found.append("\n".join(lines[at : at + size]))
    return found


def random_characters(rng: random.Random, count: int) -> list[str]:
    return ["".join(rng.choices(rng.choice(list(LETTERS.values())), k=rng.randrange(40, 600))) for _ in range(count)]


def link_lists(rng: random.Random, count: int) -> list[str]:
    """Menus of eight entries and more: in one line, with bars, in lines, with their addresses."""
    found = []
    for _ in range(count):
        entries = rng.choice(list(SECTIONS.values())).split("|")
        entries = rng.sample(entries, rng.randrange(8, len(entries) + 1))
        addressed = "\n".join(f"{one} https://news.example/{number}.html" for number, one in enumerate(entries))
        found.append(rng.choice((" ".join(entries), " | ".join(entries), "\n".join(entries), addressed)))
    return found


def notices(rng: random.Random, count: int) -> list[str]:
    """One or two notices of a page in one language."""
    languages = list(NOTICES.values())
    return [" ".join(rng.sample(rng.choice(languages), rng.choice((1, 2)))) for _ in range(count)]


def other_languages(rng: random.Random, count: int) -> list[str]:
    """One sentence, or the same one thrice: the length of a headline and of a lead."""
    return [" ".join([rng.choice(list(OTHERS.values()))] * rng.choice((1, 3))) for _ in range(count)]


KINDS = {
    "code": code,
    "random characters": random_characters,
    "lists of links": link_lists,
    "notices": notices,
    "other languages": other_languages,
}
