import { describe, expect, it } from 'vitest';
import { darkDots, extractedText, printedRecord } from '../../support/printed-record.ts';
import { hasTool } from '../../support/tools.ts';

const scripts: Readonly<Record<string, string>> = {
  Latin: 'The children are with me on Saturday, and I paid the dentist: 320.50 dollars.',
  Vietnamese: 'Tiếng Việt có nhiều dấu thanh',
  Greek: 'Καλημέρα κόσμε τι κάνεις',
  Cyrillic: 'Діти сьогодні вдома, дякую',
  Armenian: 'Այսօր ես երեխաներին դպրոցից կվերցնեմ, շնորհակալություն։',
  Georgian: 'დღეს ბავშვებს სკოლიდან წამოვიყვან, მადლობა.',
  Ethiopic: 'ዛሬ ልጆቹን ከትምህርት ቤት እወስዳለሁ፣ አመሰግናለሁ።',
  Devanagari: 'मैं आज स्कूल से बच्चों को ले आऊँगा, क्षमा करें। ₹५००',
  Bengali: 'আমি আজ স্কুল থেকে বাচ্চাদের নিয়ে আসব, ক্ষমা করবেন। ৳৫০০',
  Gurmukhi: 'ਮੈਂ ਅੱਜ ਬੱਚਿਆਂ ਨੂੰ ਸਕੂਲ ਤੋਂ ਲੈ ਕੇ ਆਵਾਂਗਾ, ਧੰਨਵਾਦ।',
  Gujarati: 'હું આજે શાળાએથી બાળકોને લઈ આવીશ, ક્ષમા કરશો.',
  Oriya: 'ମୁଁ ଆଜି ସ୍କୁଲରୁ ପିଲାମାନଙ୍କୁ ଆଣିବି, ଧନ୍ୟବାଦ।',
  Tamil: 'நான் இன்று பள்ளியிலிருந்து குழந்தைகளை அழைத்து வருவேன், நன்றி.',
  Telugu: 'నేను ఈరోజు పాఠశాల నుండి పిల్లలను తీసుకువస్తాను, క్షమించండి.',
  Kannada: 'ನಾನು ಇಂದು ಶಾಲೆಯಿಂದ ಮಕ್ಕಳನ್ನು ಕರೆದುಕೊಂಡು ಬರುತ್ತೇನೆ, ಕ್ಷಮಿಸಿ.',
  Malayalam: 'ഞാൻ ഇന്ന് സ്കൂളിൽ നിന്ന് കുട്ടികളെ കൊണ്ടുവരും, നന്ദി.',
  Sinhala: 'මම අද පාසලෙන් ළමයි ගේනවා, ස්තූතියි. ශ්‍රී ලංකා',
  Thai: 'วันนี้ผมจะไปรับเด็กๆ ที่โรงเรียน ขอบคุณครับ น้ำ',
  Lao: 'ມື້ນີ້ຂ້ອຍຈະໄປຮັບເດັກນ້ອຍຢູ່ໂຮງຮຽນ',
  Khmer: 'ថ្ងៃនេះខ្ញុំនឹងទៅទទួលកូនពីសាលារៀន អរគុណ។',
  Myanmar: 'ဒီနေ့ ကျောင်းက ကလေးတွေကို ကြိုမယ်၊ ကျေးဇူးတင်ပါတယ်။',
  Chinese: '今天我会去学校接孩子。',
  Japanese: '今日は子供を学校に迎えに行きます。',
  Korean: '오늘 학교에서 아이들을 데려올게요.',
  Hebrew: 'אני אביא היום את הילדים מבית הספר בשעה 17:30, תודה רבה. שָׁלוֹם לְכֻלָּם!',
  Arabic: 'سأحضر الأطفال من المدرسة اليوم، شكراً جزيلاً. مُحَمَّدٌ رَسُولٌ في الْمَدْرَسَةِ',
  Persian: 'امروز بچه‌ها را از مدرسه می‌آورم، خیلی ممنون.',
  Urdu: 'میں آج بچوں کو اسکول سے لے آؤں گا، شکریہ۔',
};

/** A page's direction is that of most of its letters: these make it a Hebrew one. */
const hebrewLines = Array.from({ length: 4 }, () => 'המורה ביקשה לדעת מי יבוא לאסוף אותם מחר אחרי הצהריים');

const wordsOf = (text: string) => text.split(/[\s()"“”]+/).filter(Boolean);

describe.skipIf(!hasTool('pdftotext'))('what a reader finds (needs pdftotext)', () => {
  for (const [script, text] of Object.entries(scripts))
    it(`is every word of ${script}, in its order, from a font`, async () => {
      const { written, bytes } = await printedRecord([text, text, text, text]);
      expect(written.uncovered).toBe(0);
      expect(extractedText(bytes).replaceAll(/\s+/g, ' ')).toContain(text);
    });

  it.each([
    'I said שלום עולם to you and (שָׁלוֹם) there, ok שלום, fine.',
    'We wrote "السلام عليكم" and then مُحَمَّدٌ again, yes.',
    'Urdu شکریہ۔ and Hebrew תודה: both.',
  ])('is a line from left to right, with words of the other direction where they stand: %s', async (text) => {
    const { bytes } = await printedRecord([text]);
    expect(extractedText(bytes).split('\n')).toContain(text);
  });

  it.each([
    'שלום לכולם, אני מגיע בשעה 17:30 עם Dana לבית הספר.',
    'אתמול שילמתי 320.50 ש"ח (dentist) ואני מבקש החזר. תודה!',
    'מה קורה? we said שָׁלוֹם עולם, today ok',
  ])('is a line from right to left on a page of its direction: %s', async (text) => {
    const { bytes } = await printedRecord([...hebrewLines, text]);
    expect(extractedText(bytes).split('\n')).toContain(text);
  });

  it.each([
    'שלום לכולם, אני מגיע בשעה 17:30 עם Dana לבית הספר.',
    'قال مُحَمَّدٌ hello إلى الْمَدْرَسَةِ today ثم 45 عاد.',
    'it is 123 שלום 45, he said',
  ])('is every word, none joined to its neighbour, where page and paragraph differ: %s', async (text) => {
    const latin = Array.from({ length: 6 }, () => 'The teacher asked who will come for them tomorrow afternoon.');
    const found = new Set(wordsOf(extractedText((await printedRecord([...latin, text])).bytes)).flatMap(bare));
    expect(
      wordsOf(text)
        .flatMap(bare)
        .filter((word) => !found.has(word)),
    ).toEqual([]);
  });

  it('is every emoji, each part of it', async () => {
    const { bytes, written } = await printedRecord(['👍🏽 👩🏾‍💻 👨‍👩‍👧‍👦 🇮🇳 ❤️ 1️⃣']);
    const found = extractedText(bytes);
    for (const part of ['👍🏽', '👩🏾‍💻', '👨‍👩‍👧‍👦', '🇮🇳', '❤', '1']) expect(found).toContain(part);
    expect(written.uncovered).toBe(0);
  });

  it('is the code point of a script that no font has, visible and counted', async () => {
    const { bytes, written } = await printedRecord(['བོད་ ᏣᎳᎩ']);
    expect(extractedText(bytes)).toContain('[U+0F56][U+0F7C][U+0F51][U+0F0B] [U+13E3][U+13B3][U+13A9]');
    expect(written.uncovered).toBe(7);
  });
});

/** A word without the punctuation that a reader may put on either side of it. */
function bare(word: string): readonly string[] {
  return [word.replaceAll(/^[.,!?]+|[.,!?]+$/g, '')].filter(Boolean);
}

describe.skipIf(!hasTool('pdftoppm'))('what an eye sees (needs pdftoppm)', () => {
  it('is ink where there is text, in every script', async () => {
    for (const [script, text] of Object.entries(scripts)) {
      const words = darkDots((await printedRecord([text])).bytes, 2, 150, 185);
      const none = darkDots((await printedRecord([' '])).bytes, 2, 150, 185);
      expect(words - none, script).toBeGreaterThan(60);
    }
  });
});
