// What the page says, in the languages of its first readers. Names of topics and places come from the gateway.

const WORDS = {
  en: {
    skip: "Skip to the items",
    live: "Live",
    paused: "Paused",
    connecting: "Connecting",
    lost: "Connection lost, trying again",
    lastHour: "last hour",
    perMinute: "a minute",
    labelled: "labelled",
    filters: "Filters",
    pause: "Pause",
    resume: "Go on",
    pageLanguage: "Language of this page",
    theme: "Theme: {0}",
    "theme.auto": "as the system",
    "theme.light": "light",
    "theme.dark": "dark",
    topics: "Topics",
    regions: "Regions",
    allRegions: "All regions",
    fewRegions: "Fewer regions",
    languages: "Languages",
    confidence: "Least confidence",
    items: "Items, newest first",
    waiting: "Waiting for the first item. It appears here as soon as it is labelled.",
    nothing: "No recent item fits these filters. New ones appear here as they come.",
    newItems: { one: "{0} new item", other: "{0} new items" },
    dropped: "{0} items are missing here: this page was too slow for the wire.",
    forgotten: "Items are missing here: the connection was away for longer than the gateway remembers.",
    clear: "Clear all",
    remove: "Remove filter {0}",
    filterBy: "{0}, confidence {1}. Filter by it",
    only: "{0}. Filter by it",
    noTopic: "no topic",
    "reason.too_short": "too short to tell",
    "reason.not_news": "not news",
    "reason.unsupported_language": "language not covered",
    "reason.low_confidence": "not sure enough",
    from: "at least {0}",
    why: "Why these labels",
    axis: "{0}, model {1}, threshold {2}",
    topic: "Topics",
    region: "Countries",
    "decision.none": "no place found",
    "decision.abstained": "abstained",
    words: "Words that counted",
    original: "Original",
    gone: "This item is no longer among the recent ones.",
  },
  ar: {
    skip: "انتقل إلى الأخبار",
    live: "مباشر",
    paused: "متوقف مؤقتاً",
    connecting: "جارٍ الاتصال",
    lost: "انقطع الاتصال، تجري إعادة المحاولة",
    lastHour: "آخر ساعة",
    perMinute: "في الدقيقة",
    labelled: "مصنَّف",
    filters: "التصفية",
    pause: "إيقاف مؤقت",
    resume: "متابعة",
    pageLanguage: "لغة الصفحة",
    theme: "المظهر: {0}",
    "theme.auto": "حسب النظام",
    "theme.light": "فاتح",
    "theme.dark": "داكن",
    topics: "الموضوعات",
    regions: "المناطق",
    allRegions: "كل المناطق",
    fewRegions: "مناطق أقل",
    languages: "اللغات",
    confidence: "أدنى درجة ثقة",
    items: "الأخبار، الأحدث أولاً",
    waiting: "في انتظار أول خبر. يظهر هنا فور تصنيفه.",
    nothing: "لا خبر حديثاً يطابق هذه التصفية. تظهر الأخبار الجديدة هنا فور وصولها.",
    newItems: { zero: "لا أخبار جديدة", one: "خبر جديد واحد", two: "خبران جديدان", few: "{0} أخبار جديدة", many: "{0} خبراً جديداً", other: "{0} خبر جديد" },
    dropped: "تنقص هنا أخبار عددها {0}: كانت الصفحة أبطأ من التدفق.",
    forgotten: "تنقص هنا أخبار: طال انقطاع الاتصال أكثر مما تحتفظ به البوابة.",
    clear: "مسح الكل",
    remove: "إزالة التصفية {0}",
    filterBy: "{0}، الثقة {1}. تصفية حسبه",
    only: "{0}. تصفية حسبه",
    noTopic: "بلا موضوع",
    "reason.too_short": "أقصر من أن يُصنَّف",
    "reason.not_news": "ليس خبراً",
    "reason.unsupported_language": "لغة غير مشمولة",
    "reason.low_confidence": "ثقة غير كافية",
    from: "{0} على الأقل",
    why: "سبب هذه التصنيفات",
    axis: "{0}، النموذج {1}، العتبة {2}",
    topic: "الموضوعات",
    region: "البلدان",
    "decision.none": "لا مكان في النص",
    "decision.abstained": "امتنع عن التصنيف",
    words: "الكلمات المؤثرة",
    original: "المصدر",
    gone: "لم يعد هذا الخبر بين الأخبار الحديثة.",
  },
  tr: {
    skip: "Haberlere geç",
    live: "Canlı",
    paused: "Duraklatıldı",
    connecting: "Bağlanıyor",
    lost: "Bağlantı koptu, yeniden deneniyor",
    lastHour: "son bir saat",
    perMinute: "dakikada",
    labelled: "etiketli",
    filters: "Süzgeç",
    pause: "Duraklat",
    resume: "Sürdür",
    pageLanguage: "Sayfanın dili",
    theme: "Görünüm: {0}",
    "theme.auto": "sistem gibi",
    "theme.light": "açık",
    "theme.dark": "koyu",
    topics: "Konular",
    regions: "Bölgeler",
    allRegions: "Tüm bölgeler",
    fewRegions: "Daha az bölge",
    languages: "Diller",
    confidence: "En az güven",
    items: "Haberler, en yenisi başta",
    waiting: "İlk haber bekleniyor. Etiketlenir etiketlenmez burada görünür.",
    nothing: "Son haberlerden hiçbiri bu süzgece uymuyor. Yenileri geldikçe burada görünür.",
    newItems: { other: "{0} yeni haber" },
    dropped: "Burada {0} haber eksik: sayfa akışa yetişemedi.",
    forgotten: "Burada haberler eksik: bağlantı, geçidin hatırladığından uzun süre kesik kaldı.",
    clear: "Tümünü temizle",
    remove: "{0} süzgecini kaldır",
    filterBy: "{0}, güven {1}. Buna göre süz",
    only: "{0}. Buna göre süz",
    noTopic: "konu yok",
    "reason.too_short": "karar için fazla kısa",
    "reason.not_news": "haber değil",
    "reason.unsupported_language": "kapsanmayan dil",
    "reason.low_confidence": "yeterince emin değil",
    from: "en az {0}",
    why: "Bu etiketlerin nedeni",
    axis: "{0}, model {1}, eşik {2}",
    topic: "Konular",
    region: "Ülkeler",
    "decision.none": "yer bulunamadı",
    "decision.abstained": "çekimser",
    words: "Etkili sözcükler",
    original: "Kaynak",
    gone: "Bu haber artık son haberler arasında değil.",
  },
};

export const PAGE_LANGUAGES = Object.keys(WORDS);

// Everything that depends on the language of the page, made anew when it changes.
export class Words {
  constructor(language) {
    this.language = PAGE_LANGUAGES.includes(language) ? language : "en";
    this.direction = this.language === "ar" ? "rtl" : "ltr";
    this._plural = new Intl.PluralRules(this.language);
    this._number = new Intl.NumberFormat(this.language, { maximumFractionDigits: 1 });
    this._percent = new Intl.NumberFormat(this.language, { style: "percent", maximumFractionDigits: 0 });
    this._languages = new Intl.DisplayNames([this.language], { type: "language", fallback: "code" });
    this._time = new Intl.DateTimeFormat(this.language, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
    this._day = new Intl.DateTimeFormat(this.language, { day: "numeric", month: "short" });
    this._full = new Intl.DateTimeFormat(this.language, { dateStyle: "full", timeStyle: "long" });
  }

  say(key, ...values) {
    return filled(WORDS[this.language][key] ?? WORDS.en[key] ?? key, values);
  }

  count(key, number) {
    const forms = WORDS[this.language][key];
    return filled(forms[this._plural.select(number)] ?? forms.other, [this.number(number)]);
  }

  number(value) {
    return this._number.format(value);
  }

  percent(value) {
    return this._percent.format(value / 100);
  }

  languageName(tag) {
    try {
      return this._languages.of(tag);
    } catch {
      return tag;
    }
  }

  time(date) {
    return this._time.format(date);
  }

  day(date) {
    return this._day.format(date);
  }

  full(date) {
    return this._full.format(date);
  }
}

function filled(text, values) {
  return text.replace(/\{(\d)\}/g, (_, index) => values[Number(index)] ?? "");
}
