"""The words by which prose is told from menus, notices and code; our own lists, lower case, by language.

Function words stand in every sentence and in no menu. The words of pages and of programs are rare in news: together
under 1 word in 100, where a cookie notice or a footer has 1 in 5. They are kept out where news needs them (Arabic
"rights" and "policy"), so no list is a dictionary of its kind.
"""

from __future__ import annotations

FUNCTION = {
    "ar": (
        "في من على إلى الى عن أن ان إن التي الذي الذين هذا هذه ذلك تلك كان كانت يكون مع بعد قبل بين خلال ما لا لم "
        "لن قد كما أو او ثم حتى عند هو هي هم وهو وهي كل بعض غير أي حيث منذ عليه فيه بها به له لها وقال وأن وفي "
        "ومن وعلى أكثر عبر تم يتم لدى ضد حول أمام "
    ),
    "de": (
        "der die das und in zu den von mit ist im auf für ein eine einen einem einer nicht sich auch es an dem "
        "des hat als bei aus nach wird werden am sie er dass oder wurde über um noch wie vor zum zur so aber "
        "haben war sind mehr nur durch gegen seine ihre "
    ),
    "en": (
        "the of and to in a an is are was were be been by for on with at from as that this it its he she his her "
        "they their who which will would has have had not but or said says after over into more than up out new "
        "when what "
    ),
    "es": (
        "de la el en y a los las que un una del se por con para al es no su lo más como sobre este esta ha han "
        "fue entre pero sus o sin también ser son desde hasta cuando "
    ),
    "fa": (
        "و در به از که این را با است برای آن یک تا بر هم ها های می شد شده کرد کرده خود بود اما یا نیز ای اگر هر "
        "وی ما او باید دو پس بین روی "
    ),
    "fr": (
        "de la le les et à des en un une du que qui dans pour par sur au aux est pas plus ce cette il elle ne se "
        "sont son sa ses avec a ont été mais ou leur comme après être "
    ),
    "it": (
        "di il la e che in un una per con del della dei delle a da al non si è i gli lo su nel nella sono più "
        "come anche ma ha hanno dal alla alle ai o questo dopo tra stato "
    ),
    "pl": (
        "w i na z do się że nie o jest za po od to przez dla jak oraz ale a ze który która które już był było są "
        "jego tym także czy przed może ich przy pod we "
    ),
    "ru": (
        "в и на с по не что из за к для о от как его это у а но то до при был была было были также так или же со "
        "их он она они после году об которые который "
    ),
    "tr": (
        "ve bir bu için ile da de olarak olan çok daha en gibi kadar ancak o ise ne göre sonra her ya mi mı ki "
        "ama veya üzere önce şu diye ilk iki son dedi etti oldu var yok tarafından değil olduğunu nedeniyle karşı "
        "arasında şekilde içinde ettiği olduğu yapılan eden "
    ),
}

# What stands around the news on a page: consent, accounts, sharing, the small print.
PAGE = {
    "ar": (
        "كوكيز الكوكيز الارتباط الخصوصية محفوظة الاستخدام اشترك اشتراك النشرة البريدية تسجيل الدخول اتصل أعلن "
        "اعلن الرئيسية القائمة تابعنا تابعونا شارك تعليق تعليقات التعليقات المزيد اقرأ إقرأ اضغط انقر هنا "
        "الإلكتروني المرور خريطة بحث الموقع موقعنا متصفحك فيسبوك تويتر واتساب يوتيوب انستغرام لينكدإن وظائف شروط "
        "الأحكام بنا معنا نحن موافق قبول حسابك تطبيقنا تطبيق إشعارات طباعة إرسال وسوم مشاركة "
    ),
    "de": (
        "cookie cookies datenschutz datenschutzerklärung datenschutzbestimmungen impressum agb "
        "nutzungsbedingungen newsletter abonnieren abo anmelden registrieren passwort mediadaten kontakt werbung "
        "einwilligung einstellungen akzeptieren ablehnen website webseite browser javascript kommentar kommentare "
        "kommentieren teilen drucken weiterlesen klicken startseite suche menü login logout e-mail whatsapp "
        "facebook twitter instagram youtube app vorbehalten copyright sitemap hilfe faq jobs karriere rss podcast "
    ),
    "en": (
        "cookie cookies privacy policy policies newsletter newsletters subscribe subscribed unsubscribe "
        "subscription subscriptions login log sign signup register account password email mail inbox copyright "
        "reserved trademark terms conditions contact careers advertise advertising advertisement sitemap map faq "
        "faqs help feedback rss facebook twitter instagram youtube linkedin pinterest whatsapp telegram share "
        "follow menu home search skip navigation content accept settings preferences browser javascript website "
        "webpage click page next previous download app apps agreement disclaimer accessibility gdpr consent "
        "advertisers print corrections comment comments reply submit permission please your you we us our site "
        "bookmark tags archive archives sponsored read toggle "
    ),
    "es": (
        "cookie cookies privacidad aviso legal política boletín newsletter suscríbete suscribirse suscripción "
        "registrarse regístrate contraseña contacto publicidad anúnciate términos condiciones configuración "
        "aceptar rechazar navegador web sitio clic compartir comentario comentarios comentar imprimir leer inicio "
        "buscar menú correo facebook twitter instagram youtube whatsapp app derechos reservados copyright mapa "
        "ayuda quiénes síguenos empleo "
    ),
    "fa": (
        "کوکی حریم خصوصی خبرنامه اشتراک عضویت ورود ثبت‌نام رمز عبور تماس درباره تبلیغات محفوظ کپی حقوق سایت "
        "وبسایت کلیک کنید نظرات نظر ارسال چاپ جستجو صفحه اصلی ایمیل تلگرام اینستاگرام توییتر فیسبوک آرشیو پیوندها "
        "نقشه اپلیکیشن دانلود قوانین "
    ),
    "fr": (
        "cookie cookies confidentialité mentions légales newsletter abonnez-vous abonnement abonner "
        "inscrivez-vous inscription inscrire connexion connecter compte mot passe contact publicité annonceurs "
        "conditions utilisation paramètres accepter refuser navigateur site cliquez partager commentaire "
        "commentaires imprimer lire accueil recherche rechercher menu e-mail mail facebook twitter instagram "
        "youtube whatsapp appli application droits réservés copyright plan aide propos suivez-nous emplois votre "
        "vos vous nous "
    ),
    "it": (
        "cookie cookies privacy informativa newsletter iscriviti abbonati abbonamento registrati registrazione "
        "accedi login password contatti pubblicità termini condizioni impostazioni accetta rifiuta browser sito "
        "clicca condividi commento commenti stampa leggi home cerca menu e-mail facebook twitter instagram "
        "youtube whatsapp app diritti riservati copyright mappa aiuto chi siamo seguici lavora "
    ),
    "pl": (
        "cookie cookies ciasteczka prywatności polityka regulamin newsletter subskrybuj subskrypcja zapisz "
        "zaloguj zarejestruj rejestracja hasło kontakt reklama ustawienia akceptuję odrzuć przeglądarki strona "
        "stronie serwis kliknij udostępnij komentarz komentarze drukuj czytaj szukaj menu e-mail facebook twitter "
        "instagram youtube whatsapp aplikacja zastrzeżone prawa copyright mapa pomoc praca rss "
    ),
    "ru": (
        "cookie cookies куки конфиденциальности рассылка рассылку подписаться подпишитесь подписка войти вход "
        "регистрация зарегистрироваться пароль контакты реклама рекламодателям соглашение условия настройки "
        "принять браузер сайт сайта нажмите поделиться комментарий комментарии комментировать печать читать далее "
        "главная поиск меню почта вконтакте телеграм facebook twitter instagram youtube whatsapp приложение "
        "защищены права копирование ссылка карта помощь вакансии редакция rss "
    ),
    "tr": (
        "çerez çerezler çerezleri çerezlerin gizlilik politikası politikamızı politikamız kvkk aydınlatma abone "
        "abonelik bülten bültenimize bültene üye üyelik giriş kaydol kayıt şifre parola künye hakkımızda hakkında "
        "iletişim reklam kullanım koşulları şartları saklıdır telif hakları copyright site sitemap sitemizde "
        "sitemiz web tıklayın tıkla paylaş paylaşın takip beğen yorum yorumlar yorumunuz yaz devamı oku ara "
        "anasayfa menü sayfa e-posta eposta mail facebook twitter instagram youtube whatsapp uygulama "
        "uygulamamızı indir kabul ayarlar ayarları tarayıcı tarayıcınız kariyer haritası yardım sss rss arşiv "
        "yazdır "
    ),
}

# Those of them by which a page speaks to its reader; some headlines do too.
ADDRESS = {
    "ar": "", "de": "", "en": "your you we us our please help", "es": "", "fa": "", "fr": "votre vos vous nous",
    "it": "", "pl": "", "ru": "", "tr": "",
}  # fmt: skip

# Names of the parts of a news site, which stand side by side in its menu and nowhere else.
SECTIONS = {
    "ar": (
        "الرئيسية أخبار الأخبار اخبار العالم عالم سياسة السياسة الاقتصاد اقتصاد مال أعمال الرياضة رياضة ثقافة "
        "الثقافة فنون وفنون فن تكنولوجيا علوم صحة رأي آراء مقالات فيديو صور بودكاست منوعات مجتمع محليات دولي عربي "
        "نحن اتصل بنا سياحة سفر كتاب "
    ),
    "de": (
        "startseite politik wirtschaft sport kultur wissen wissenschaft reise meinung videos video bilder "
        "gesellschaft panorama regional lokales ausland inland finanzen digital technik auto karriere gesundheit "
        "leben bildung unterhaltung wetter podcasts impressum kontakt abo "
    ),
    "en": (
        "home news world politics business sport sports opinion editorials video videos photos galleries podcasts "
        "podcast culture arts art music books film films movies tv television radio theater theatre entertainment "
        "celebrity lifestyle life style fashion beauty food recipes drink travel health fitness science "
        "technology tech environment climate energy weather money markets finance economy companies real estate "
        "property jobs careers education obituaries crime local national international nation region us uk u.s. "
        "europe asia africa americas football soccer nba nfl mlb nhl ncaa tennis golf cricket rugby boxing games "
        "puzzles comics horoscopes horoscope crosswords events features reviews interviews columns columnists "
        "blogs blog magazine topics sections authors latest trending popular live about contact store shop "
        "classifieds more all "
    ),
    "es": (
        "inicio portada mundo internacional nacional política economía deportes cultura viajes opinión vídeos "
        "videos fotos sociedad ciencia tecnología salud gente estilo educación empresas entretenimiento "
        "tendencias blogs contacto "
    ),
    "fa": (
        "صفحه اصلی اخبار سیاسی اقتصادی ورزشی فرهنگی اجتماعی بین الملل بین‌الملل جهان ایران عکس فیلم ویدئو علمی "
        "فناوری سلامت استانها حوادث گفتگو یادداشت درباره تماس آرشیو پیوندها هنری ورزش اقتصاد سیاست فرهنگ جامعه "
    ),
    "fr": (
        "accueil monde international politique économie sport sports culture voyages voyage opinions opinion "
        "vidéos vidéo photos société sciences technologie santé planète éducation idées débats entreprises médias "
        "régions style cinéma musique livres people météo contact "
    ),
    "it": (
        "home mondo esteri politica economia sport cultura viaggi opinioni video foto cronaca cronache scienza "
        "scienze tecnologia salute spettacoli società scuola motori finanza moda cucina ambiente meteo contatti "
    ),
    "pl": (
        "główna świat kraj polityka gospodarka biznes sport kultura podróże opinie wideo zdjęcia nauka "
        "technologie zdrowie styl życia społeczeństwo rozrywka motoryzacja finanse pogoda edukacja kontakt "
    ),
    "ru": (
        "главная новости мир политика экономика спорт культура путешествия мнения видео фото общество наука "
        "технологии здоровье происшествия бизнес финансы недвижимость авто мода стиль красота жизнь погода "
        "образование контакты россия подкасты "
    ),
    "tr": (
        "anasayfa haberler haber gündem dünya siyaset ekonomi spor kültür sanat seyahat yazarlar video galeri "
        "foto sağlık teknoloji bilim yaşam magazin eğitim otomobil emlak finans hava sinema müzik kitap moda "
        "iletişim künye "
    ),
}

# Written without spaces, so looked for as they are.
PAGE_ZH = "版权所有 隐私 登录 注册 订阅 联系我们 关于我们 网站地图 免责声明 广告 点击 分享 评论 首页 客服 下载 浏览器"

# Of all languages: programs and their markup.
CODE = (
    "def elif self none true false null return import const void int struct ifdef endif ifndef include define "
    "typedef var let function static async await printf str len args kwargs isinstance noqa param params enum "
    "char bool extern unsigned argv stdin stdout todo fixme utf ascii href div span px css html "
    "json yaml xml sql select insert varchar usr bin etc lib src config init main impl fn pub println "
    "echo sudo apt npm pip "
)
