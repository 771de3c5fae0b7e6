import type { Dialogue } from './dialogues/dialogue.ts';
import { englishDays } from './dialogues/english-days.ts';
import { englishHard } from './dialogues/english-hard.ts';
import { englishMoneyHolidays } from './dialogues/english-money-holidays.ts';
import { englishSchoolHealth } from './dialogues/english-school-health.ts';
import { french, german, portuguese, spanish, ukrainian } from './dialogues/european.ts';
import { arabic, chinese, hebrew, hindi, japanese, korean, thai, vietnamese } from './dialogues/world.ts';

export const languageCodes = [
  'en',
  'es',
  'de',
  'fr',
  'pt',
  'uk',
  'ar',
  'he',
  'hi',
  'ja',
  'zh',
  'ko',
  'th',
  'vi',
] as const;
export type LanguageCode = (typeof languageCodes)[number];

/** Where a family lives: its courts and its clock. */
export interface Home {
  readonly jurisdiction: string;
  readonly timeZone: string;
}

/** The threads a family keeps. */
export type ThreadKind = 'schedule' | 'money' | 'school' | 'general' | 'coordinator' | 'kids';

/** How one language says the things that fill the slots of a dialogue. */
export interface Language {
  readonly code: LanguageCode;
  readonly locale: string;
  /** Of a hundred families, about how many write it at home. */
  readonly share: number;
  readonly dialogues: readonly Dialogue[];
  readonly homes: readonly Home[];
  /** Monday to Friday, in the form that follows "on". */
  readonly weekdays: readonly [string, string, string, string, string];
  clock(hour: number, minute: number): string;
  readonly currency: string;
  /** Units of the currency for one US dollar, about, and the step that makes a believable price that halves evenly. */
  readonly perDollar: number;
  readonly stepCents: number;
  money(cents: number): string;
  /** The same currency in an English sentence. */
  readonly symbol: string;
  readonly subjects: Readonly<Record<ThreadKind, string>>;
  readonly exchange: string;
  birthday(name: string): string;
  readonly activities: readonly string[];
}

const twoDigits = (value: number) => String(value).padStart(2, '0');
const hour12 = (hour: number) => ((hour + 11) % 12) + 1;
const colon24 = (hour: number, minute: number) => `${twoDigits(hour)}:${twoDigits(minute)}`;

/** 1234.5 as `1,234.50` or `1.234,50`; whole amounts without decimals. */
function grouped(cents: number, thousands: string, decimal: string): string {
  const whole = String(Math.floor(cents / 100)).replace(/\B(?=(\d{3})+(?!\d))/g, thousands);
  return cents % 100 === 0 ? whole : `${whole}${decimal}${twoDigits(cents % 100)}`;
}

/** An amount in English, whatever the currency. */
export function englishMoney(symbol: string, cents: number): string {
  return `${symbol}${grouped(cents, ',', '.')}`;
}

export const languages: Readonly<Record<LanguageCode, Language>> = {
  en: {
    code: 'en',
    locale: 'en-US',
    share: 62,
    dialogues: [...englishDays, ...englishSchoolHealth, ...englishMoneyHolidays, ...englishHard],
    homes: [
      { jurisdiction: 'US-CA', timeZone: 'America/Los_Angeles' },
      { jurisdiction: 'US-OR', timeZone: 'America/Los_Angeles' },
      { jurisdiction: 'US-WA', timeZone: 'America/Los_Angeles' },
      { jurisdiction: 'US-CO', timeZone: 'America/Denver' },
      { jurisdiction: 'US-AZ', timeZone: 'America/Phoenix' },
      { jurisdiction: 'US-TX', timeZone: 'America/Chicago' },
      { jurisdiction: 'US-IL', timeZone: 'America/Chicago' },
      { jurisdiction: 'US-MN', timeZone: 'America/Chicago' },
      { jurisdiction: 'US-OH', timeZone: 'America/New_York' },
      { jurisdiction: 'US-NY', timeZone: 'America/New_York' },
      { jurisdiction: 'US-VA', timeZone: 'America/New_York' },
      { jurisdiction: 'US-FL', timeZone: 'America/New_York' },
    ],
    weekdays: ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday'],
    clock: (hour, minute) => `${hour12(hour)}:${twoDigits(minute)}`,
    currency: 'USD',
    perDollar: 1,
    stepCents: 2,
    money: (cents) => englishMoney('$', cents),
    symbol: '$',
    subjects: {
      schedule: 'Schedule and exchanges',
      money: 'Expenses',
      school: 'School and health',
      general: 'Everything else',
      coordinator: 'With our parenting coordinator',
      kids: 'Family chat',
    },
    exchange: 'Exchange',
    birthday: (name) => `${name}’s birthday`,
    activities: [
      'soccer',
      'swim practice',
      'piano',
      'robotics',
      'ballet',
      'taekwondo',
      'chess club',
      'choir',
      'basketball',
    ],
  },
  es: {
    code: 'es',
    locale: 'es-MX',
    share: 10,
    dialogues: spanish,
    homes: [
      { jurisdiction: 'MX-CMX', timeZone: 'America/Mexico_City' },
      { jurisdiction: 'MX-JAL', timeZone: 'America/Mexico_City' },
    ],
    weekdays: ['lunes', 'martes', 'miércoles', 'jueves', 'viernes'],
    clock: (hour, minute) => `${hour12(hour)}:${twoDigits(minute)}`,
    currency: 'MXN',
    perDollar: 18,
    stepCents: 1000,
    money: (cents) => `$${grouped(cents, ',', '.')}`,
    symbol: 'MX$',
    subjects: {
      schedule: 'Horarios y entregas',
      money: 'Gastos',
      school: 'Escuela y salud',
      general: 'Lo demás',
      coordinator: 'Con la coordinadora',
      kids: 'Chat de la familia',
    },
    exchange: 'Entrega',
    birthday: (name) => `Cumpleaños de ${name}`,
    activities: ['fútbol', 'natación', 'danza', 'ajedrez', 'guitarra'],
  },
  de: {
    code: 'de',
    locale: 'de-DE',
    share: 4,
    dialogues: german,
    homes: [{ jurisdiction: 'DE-HE', timeZone: 'Europe/Berlin' }],
    weekdays: ['Montag', 'Dienstag', 'Mittwoch', 'Donnerstag', 'Freitag'],
    clock: colon24,
    currency: 'EUR',
    perDollar: 0.9,
    stepCents: 2,
    money: (cents) => `${grouped(cents, '.', ',')} €`,
    symbol: '€',
    subjects: {
      schedule: 'Umgang und Übergaben',
      money: 'Kosten',
      school: 'Schule und Gesundheit',
      general: 'Sonstiges',
      coordinator: 'Mit der Beratungsstelle',
      kids: 'Familienchat',
    },
    exchange: 'Übergabe',
    birthday: (name) => `Geburtstag ${name}`,
    activities: ['Fußball', 'Schwimmen', 'Klavier', 'Turnen', 'Pfadfinder'],
  },
  fr: {
    code: 'fr',
    locale: 'fr-FR',
    share: 4,
    dialogues: french,
    homes: [{ jurisdiction: 'FR-IDF', timeZone: 'Europe/Paris' }],
    weekdays: ['lundi', 'mardi', 'mercredi', 'jeudi', 'vendredi'],
    clock: (hour, minute) => `${hour} h ${twoDigits(minute)}`,
    currency: 'EUR',
    perDollar: 0.9,
    stepCents: 2,
    // A no-break space before the sign, and a narrow one between thousands, as the French do.
    money: (cents) => `${grouped(cents, '\u202f', ',')}\u00a0€`,
    symbol: '€',
    subjects: {
      schedule: 'Garde et échanges',
      money: 'Dépenses',
      school: 'École et santé',
      general: 'Le reste',
      coordinator: 'Avec la médiatrice',
      kids: 'La famille',
    },
    exchange: 'Échange',
    birthday: (name) => `Anniversaire de ${name}`,
    activities: ['le judo', 'la danse', 'la piscine', 'le foot', 'le dessin'],
  },
  pt: {
    code: 'pt',
    locale: 'pt-BR',
    share: 4,
    dialogues: portuguese,
    homes: [{ jurisdiction: 'BR-SP', timeZone: 'America/Sao_Paulo' }],
    weekdays: ['segunda-feira', 'terça-feira', 'quarta-feira', 'quinta-feira', 'sexta-feira'],
    clock: (hour, minute) => `${hour}h${twoDigits(minute)}`,
    currency: 'BRL',
    perDollar: 5,
    stepCents: 10,
    money: (cents) => `R$ ${grouped(cents, '.', ',')}`,
    symbol: 'R$',
    subjects: {
      schedule: 'Guarda e horários',
      money: 'Despesas',
      school: 'Escola e saúde',
      general: 'Outros assuntos',
      coordinator: 'Com a mediadora',
      kids: 'Conversa da família',
    },
    exchange: 'Troca',
    birthday: (name) => `Aniversário de ${name}`,
    activities: ['natação', 'futebol', 'balé', 'violão'],
  },
  uk: {
    code: 'uk',
    locale: 'uk-UA',
    share: 2,
    dialogues: ukrainian,
    homes: [{ jurisdiction: 'UA-46', timeZone: 'Europe/Kyiv' }],
    weekdays: ['понеділок', 'вівторок', 'середу', 'четвер', 'п’ятницю'],
    clock: colon24,
    currency: 'UAH',
    perDollar: 40,
    stepCents: 2000,
    money: (cents) => `${grouped(cents, '\u00a0', ',')} грн`,
    symbol: '₴',
    subjects: {
      schedule: 'Розклад і зустрічі',
      money: 'Витрати',
      school: 'Школа і здоров’я',
      general: 'Усе інше',
      coordinator: 'З медіаторкою',
      kids: 'Сімейний чат',
    },
    exchange: 'Передача',
    birthday: (name) => `День народження: ${name}`,
    activities: ['плавання', 'малювання', 'футбол'],
  },
  ar: {
    code: 'ar',
    locale: 'ar-AE-u-nu-latn',
    share: 2,
    dialogues: arabic,
    homes: [{ jurisdiction: 'AE-DU', timeZone: 'Asia/Dubai' }],
    weekdays: ['الإثنين', 'الثلاثاء', 'الأربعاء', 'الخميس', 'الجمعة'],
    clock: (hour, minute) => `${hour12(hour)}:${twoDigits(minute)}`,
    currency: 'AED',
    perDollar: 3.6,
    stepCents: 1000,
    money: (cents) => `${grouped(cents, ',', '.')} درهم`,
    symbol: 'AED ',
    subjects: {
      schedule: 'المواعيد والتسليم',
      money: 'المصاريف',
      school: 'المدرسة والصحة',
      general: 'أمور أخرى',
      coordinator: 'مع المرشدة الأسرية',
      kids: 'دردشة العائلة',
    },
    exchange: 'موعد التسليم',
    birthday: (name) => `عيد ميلاد ${name}`,
    activities: ['السباحة', 'كرة القدم', 'الرسم'],
  },
  he: {
    code: 'he',
    locale: 'he-IL',
    share: 2,
    dialogues: hebrew,
    homes: [{ jurisdiction: 'IL-TA', timeZone: 'Asia/Jerusalem' }],
    weekdays: ['יום שני', 'יום שלישי', 'יום רביעי', 'יום חמישי', 'יום שישי'],
    clock: colon24,
    currency: 'ILS',
    perDollar: 3.6,
    stepCents: 1000,
    money: (cents) => `${grouped(cents, ',', '.')} ₪`,
    symbol: '₪',
    subjects: {
      schedule: 'הסדרי ראייה',
      money: 'הוצאות',
      school: 'בית ספר ובריאות',
      general: 'כל השאר',
      coordinator: 'עם המתאמת ההורית',
      kids: 'צ׳אט משפחתי',
    },
    exchange: 'מעבר בין הבתים',
    birthday: (name) => `יום ההולדת של ${name}`,
    activities: ['כדורגל', 'שחייה', 'פסנתר'],
  },
  hi: {
    code: 'hi',
    locale: 'hi-IN',
    share: 2,
    dialogues: hindi,
    homes: [{ jurisdiction: 'IN-DL', timeZone: 'Asia/Kolkata' }],
    weekdays: ['सोमवार', 'मंगलवार', 'बुधवार', 'गुरुवार', 'शुक्रवार'],
    clock: (hour, minute) => `${hour12(hour)}:${twoDigits(minute)}`,
    currency: 'INR',
    perDollar: 60,
    stepCents: 10_000,
    money: (cents) => `₹${grouped(cents, ',', '.')}`,
    symbol: '₹',
    subjects: {
      schedule: 'समय और मुलाक़ातें',
      money: 'ख़र्च',
      school: 'स्कूल और सेहत',
      general: 'बाक़ी बातें',
      coordinator: 'परामर्शदाता के साथ',
      kids: 'परिवार की चैट',
    },
    exchange: 'बच्चों की अदला-बदली',
    birthday: (name) => `${name} का जन्मदिन`,
    activities: ['क्रिकेट', 'नृत्य', 'चित्रकला'],
  },
  ja: {
    code: 'ja',
    locale: 'ja-JP',
    share: 2,
    dialogues: japanese,
    homes: [{ jurisdiction: 'JP-13', timeZone: 'Asia/Tokyo' }],
    weekdays: ['月曜日', '火曜日', '水曜日', '木曜日', '金曜日'],
    clock: (hour, minute) => `${hour}時${minute === 0 ? '' : `${minute}分`}`,
    currency: 'JPY',
    perDollar: 110,
    stepCents: 100_000,
    money: (cents) => `${grouped(cents, ',', '.')}円`,
    symbol: '¥',
    subjects: {
      schedule: '面会と予定',
      money: '費用',
      school: '学校と健康',
      general: 'その他',
      coordinator: '調整担当者と',
      kids: '家族チャット',
    },
    exchange: '面会交流',
    birthday: (name) => `${name}の誕生日`,
    activities: ['水泳', 'サッカー', 'ピアノ'],
  },
  zh: {
    code: 'zh',
    locale: 'zh-CN',
    share: 2,
    dialogues: chinese,
    homes: [{ jurisdiction: 'CN-SH', timeZone: 'Asia/Shanghai' }],
    weekdays: ['星期一', '星期二', '星期三', '星期四', '星期五'],
    clock: (hour, minute) => `${hour < 12 ? '上午' : '下午'}${hour12(hour)}点${minute === 0 ? '' : `${minute}分`}`,
    currency: 'CNY',
    perDollar: 6,
    stepCents: 2000,
    money: (cents) => `${grouped(cents, ',', '.')}元`,
    symbol: 'CN¥',
    subjects: {
      schedule: '接送与安排',
      money: '费用',
      school: '学校与健康',
      general: '其他',
      coordinator: '与调解员',
      kids: '家庭群',
    },
    exchange: '交接',
    birthday: (name) => `${name}的生日`,
    activities: ['游泳', '足球', '围棋'],
  },
  ko: {
    code: 'ko',
    locale: 'ko-KR',
    share: 1.5,
    dialogues: korean,
    homes: [{ jurisdiction: 'KR-11', timeZone: 'Asia/Seoul' }],
    weekdays: ['월요일', '화요일', '수요일', '목요일', '금요일'],
    clock: (hour, minute) => `${hour < 12 ? '오전' : '오후'} ${hour12(hour)}시${minute === 0 ? '' : ` ${minute}분`}`,
    currency: 'KRW',
    perDollar: 1000,
    stepCents: 1_000_000,
    money: (cents) => `${grouped(cents, ',', '.')}원`,
    symbol: '₩',
    subjects: {
      schedule: '면접교섭과 일정',
      money: '비용',
      school: '학교와 건강',
      general: '기타',
      coordinator: '상담사와 함께',
      kids: '가족 채팅',
    },
    exchange: '면접교섭',
    birthday: (name) => `${name} 생일`,
    activities: ['수영', '축구', '태권도'],
  },
  th: {
    code: 'th',
    locale: 'th-TH-u-ca-gregory',
    share: 1,
    dialogues: thai,
    homes: [{ jurisdiction: 'TH-10', timeZone: 'Asia/Bangkok' }],
    weekdays: ['วันจันทร์', 'วันอังคาร', 'วันพุธ', 'วันพฤหัสบดี', 'วันศุกร์'],
    clock: (hour, minute) => `${twoDigits(hour)}.${twoDigits(minute)} น.`,
    currency: 'THB',
    perDollar: 30,
    stepCents: 10_000,
    money: (cents) => `${grouped(cents, ',', '.')} บาท`,
    symbol: '฿',
    subjects: {
      schedule: 'ตารางเวลาและการรับส่ง',
      money: 'ค่าใช้จ่าย',
      school: 'โรงเรียนและสุขภาพ',
      general: 'เรื่องอื่น ๆ',
      coordinator: 'กับผู้ประสานงาน',
      kids: 'แชทครอบครัว',
    },
    exchange: 'รับส่งลูก',
    birthday: (name) => `วันเกิด${name}`,
    activities: ['ว่ายน้ำ', 'ฟุตบอล', 'รำไทย'],
  },
  vi: {
    code: 'vi',
    locale: 'vi-VN',
    share: 1.5,
    dialogues: vietnamese,
    homes: [{ jurisdiction: 'VN-HN', timeZone: 'Asia/Ho_Chi_Minh' }],
    weekdays: ['thứ Hai', 'thứ Ba', 'thứ Tư', 'thứ Năm', 'thứ Sáu'],
    clock: (hour, minute) => `${hour} giờ${minute === 0 ? '' : ` ${minute}`}`,
    currency: 'VND',
    perDollar: 20_000,
    stepCents: 2_000_000,
    money: (cents) => `${grouped(cents, '.', ',')}đ`,
    symbol: '₫',
    subjects: {
      schedule: 'Lịch đón con',
      money: 'Chi phí',
      school: 'Trường học và sức khỏe',
      general: 'Chuyện khác',
      coordinator: 'Với người hòa giải',
      kids: 'Nhóm gia đình',
    },
    exchange: 'Đón con',
    birthday: (name) => `Sinh nhật ${name}`,
    activities: ['bơi', 'bóng đá', 'cờ vua'],
  },
};
