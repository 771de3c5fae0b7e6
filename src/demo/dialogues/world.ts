import type { Dialogue } from './dialogue.ts';

/** Arabic, in the plain written register people text in; right to left. */
export const arabic: readonly Dialogue[] = [
  {
    topic: 'pickup',
    at: 'afternoon',
    turns: [
      'A: سأتأخر حوالي {minutes} دقيقة، الطريق مزدحم جداً. | عذراً، خرجت متأخر{A:اً/ة} من العمل، سأصل بعد {minutes} دقيقة.',
      'B: لا بأس، {child} {C:يتناول/تتناول} وجبة خفيفة.',
      'A: شكراً. سأحضر معي المعطف أيضاً.',
      'B: ممتاز 👍',
    ],
  },
  {
    topic: 'schedule',
    at: 'evening',
    turns: [
      'A: هل يمكن أن نتبادل عطلة نهاية الأسبوع؟ زفاف ابنة عمي يوم {saturday}.',
      'B: نعم، على أن يكون الأسبوع التالي عندي.',
      'A: اتفقنا. سأكتب ذلك في التقويم ليكون واضحاً.',
      'B: ألف مبروك للعروس 🌹',
    ],
    event: { title: 'تبادل عطلة نهاية الأسبوع', on: 'saturday', hours: 48 },
  },
  {
    topic: 'school',
    at: 'evening',
    months: [1, 2, 3, 4, 5, 9, 10, 11, 12],
    turns: [
      'A: اجتماع أولياء الأمور يوم {date} الساعة {time}.',
      'B: سأكون هناك. من الأفضل أن نذهب معاً.',
      'A: أوافق. المعلمة تقول إن مستوى {child} في القراءة تحسّن كثيراً 📚',
      'B: الحمد لله، خبر جميل.',
    ],
    event: { title: 'اجتماع أولياء الأمور', on: 'date', hours: 1 },
  },
  {
    topic: 'health',
    at: 'evening',
    turns: [
      'A: حرارة {child} 38.6. أعطيت{C:ه/ها} خافض الحرارة الساعة {ago}.',
      'B: سلامات. هل {A:تحتاج/تحتاجين} إلى شيء من الصيدلية؟',
      'A: لا، شكراً. الجرعة التالية بعد منتصف الليل.',
      'B+12h: كيف {C:أصبح/أصبحت}؟',
      'A: أفضل بكثير، الحمد لله.',
    ],
  },
  {
    topic: 'money',
    at: 'evening',
    expense: { category: 'school', description: 'رسوم المدرسة', dollars: [90, 300], settled: true },
    turns: ['A: دفعت رسوم المدرسة {amount}، حصتك النصف: {half}.', 'B: تم التحويل الآن.', 'A: وصل، شكراً.'],
  },
  {
    topic: 'holidays',
    months: [3, 4, 5],
    turns: [
      'A: أول أيام العيد عندي والثاني عندك، كما في الاتفاق؟',
      'B: نعم. {child} {C:ينتظر/تنتظر} العيدية من جد{C:ه/ها} 😄',
      'A: كل عام وأنتم بخير 🌙',
    ],
  },
  {
    topic: 'tension',
    at: 'evening',
    turns: [
      'A: اتفقنا على الساعة {ago} ولم يأتِ أحد. {child} {C:ينتظر/تنتظر} عند الباب.',
      'B+20m: أعتذر، نفدت بطارية الهاتف. أنا في الطريق.',
      'A: أرجو إبلاغي مسبقاً في المرة القادمة.',
      'B: معك حق. لن يتكرر ذلك.',
    ],
  },
  {
    topic: 'everyday',
    turns: ['A: شكراً على مساعدتك أمس، كان يوماً صعباً.', 'B: لا شكر على واجب. المهم أن {child} بخير ❤️'],
  },
];

/** Hebrew; right to left, with numbers and Latin words running the other way. */
export const hebrew: readonly Dialogue[] = [
  {
    topic: 'pickup',
    at: 'afternoon',
    turns: [
      'A: אני {A:מאחר/מאחרת} בערך {minutes} דקות, פקק באיילון. | סליחה, הרכבת מתעכבת, אגיע בעוד {minutes} דקות.',
      'B: בסדר, {child} {C:אוכל/אוכלת} ארוחת ארבע.',
      'A: תודה. אני {A:מביא/מביאה} גם את המעיל.',
      'B: מעולה 👍',
    ],
  },
  {
    topic: 'schedule',
    at: 'evening',
    turns: [
      'A: אפשר להחליף סוף שבוע? ב-{saturday} יש בר מצווה לאחיין שלי.',
      'B: כן, אבל אז סוף השבוע שאחריו אצלי.',
      'A: סגור. {A:רושם/רושמת} ביומן.',
      'B: מזל טוב לכולם 🎉',
    ],
    event: { title: 'החלפת סוף שבוע (בר מצווה)', on: 'saturday', hours: 48 },
  },
  {
    topic: 'school',
    at: 'evening',
    months: [1, 2, 3, 4, 5, 9, 10, 11, 12],
    turns: [
      'A: אסיפת הורים ב-{date} בשעה {time}. {B:אתה בא/את באה}?',
      'B: כן, עדיף ביחד.',
      'A: המורה כתבה שההגשות ב-Classroom חסרות. נבדוק את זה בשני הבתים.',
      'B: {B:מסכים/מסכימה}.',
    ],
    event: { title: 'אסיפת הורים', on: 'date', hours: 1 },
  },
  {
    topic: 'health',
    at: 'evening',
    turns: [
      'A: ל{child} יש חום 38.8. נתתי נובימול ב-{ago}.',
      'B: להביא משהו מבית המרקחת?',
      'A: לא צריך. המנה הבאה רק אחרי חצות.',
      'B+12h: מה המצב הבוקר?',
      'A: 37.1 וכבר {C:מבקש/מבקשת} שוקו 😊',
    ],
  },
  {
    topic: 'money',
    at: 'evening',
    expense: { category: 'activities', description: 'חוג', dollars: [60, 180], settled: true },
    turns: ['A: שילמתי על החוג {amount}. החלק שלך {half}.', 'B: העברתי ב-Bit.', 'A: הגיע, תודה.'],
  },
  {
    topic: 'holidays',
    months: [3, 4],
    turns: [
      'A: ליל הסדר אצלי השנה, נכון? שנה שעברה היה אצלך.',
      'B: נכון. ו-{child} {C:מתאמן/מתאמנת} על "מה נשתנה" כבר שבוע.',
      'A: איזה חמוד{C:/ה}. חג שמח 🍷',
    ],
    ages: [4, 9],
  },
  {
    topic: 'tension',
    at: 'evening',
    turns: [
      'A: קבענו ב-{ago} ואף אחד לא פה.',
      'B+20m: סליחה, נגמרה לי הסוללה. אנחנו בדרך.',
      'A: זו הפעם השלישית החודש. אני {A:רושם/רושמת} את זה כאן.',
      'B: יש לך סיבה לכעוס. לא יקרה שוב.',
    ],
  },
];

export const hindi: readonly Dialogue[] = [
  {
    topic: 'pickup',
    at: 'afternoon',
    turns: [
      'A: मुझे करीब {minutes} मिनट की देर होगी, रास्ते में बहुत ट्रैफ़िक है। | माफ़ करना, मीटिंग लंबी चल गई, {minutes} मिनट में {A:पहुँचता/पहुँचती} हूँ।',
      'B: कोई बात नहीं, {child} अभी नाश्ता कर {C:रहा/रही} है।',
      'A: धन्यवाद। जैकेट भी ला {A:रहा/रही} हूँ।',
      'B: ठीक है 👍',
    ],
  },
  {
    topic: 'schedule',
    at: 'evening',
    turns: [
      'A: क्या हम इस बार वीकेंड बदल सकते हैं? {saturday} को मेरी बहन की सगाई है।',
      'B: हाँ, फिर अगला वीकेंड {child} मेरे पास {C:रहेगा/रहेगी}।',
      'A: ठीक है, कैलेंडर में {A:लिख देता/लिख देती} हूँ।',
      'B: बहन को बधाई देना 🎊',
    ],
    event: { title: 'वीकेंड की अदला-बदली (सगाई)', on: 'saturday', hours: 48 },
  },
  {
    topic: 'school',
    at: 'evening',
    turns: [
      'A: {date} को {time} बजे स्कूल में पीटीएम है।',
      'B: मैं आ {B:जाऊँगा/जाऊँगी}। साथ में चलें तो अच्छा रहेगा।',
      'A: हाँ, {child} को भी अच्छा लगेगा।',
      'B: गणित के बारे में ज़रूर पूछना है।',
    ],
    event: { title: 'पीटीएम', on: 'date', hours: 1 },
  },
  {
    topic: 'health',
    at: 'evening',
    turns: [
      'A: {child} को 101 बुखार है। {ago} बजे दवा दी है।',
      'B: डॉक्टर को दिखाना है क्या? मैं अभी आ {B:सकता/सकती} हूँ।',
      'A: सुबह तक देखते हैं। अगली दवा आधी रात के बाद।',
      'B+12h: अब कैसा है?',
      'A: बुखार उतर गया, पराठा माँग {C:रहा/रही} है 😄',
    ],
  },
  {
    topic: 'money',
    at: 'evening',
    expense: { category: 'school', description: 'स्कूल की फ़ीस', dollars: [80, 260], settled: true },
    turns: ['A: स्कूल की फ़ीस {amount} भर दी है। आपका आधा हिस्सा {half}।', 'B: अभी भेज दिया।', 'A: मिल गया, धन्यवाद 🙏🏽'],
  },
  {
    topic: 'holidays',
    months: [10, 11],
    turns: [
      'A: दीवाली इस साल आपके यहाँ और भाई दूज हमारे यहाँ, सही है?',
      'B: सही है। {child} ने रंगोली का डिज़ाइन भी बना लिया है 🪔',
      'A: फ़ोटो ज़रूर भेजना।',
    ],
  },
  {
    topic: 'tension',
    at: 'evening',
    turns: [
      'A: {ago} बजे की बात हुई थी और अभी तक कोई नहीं आया।',
      'B+20m: माफ़ करना, फ़ोन बंद हो गया था। रास्ते में हूँ।',
      'A: {child} दरवाज़े पर बैठ{C:ा/ी} है। अगली बार पहले बता देना।',
      'B: आप सही हैं। आगे से ध्यान {B:रखूँगा/रखूँगी}।',
    ],
  },
];

export const japanese: readonly Dialogue[] = [
  {
    topic: 'pickup',
    at: 'afternoon',
    turns: [
      'A: すみません、電車が止まっていて{minutes}分くらい遅れます。 | 仕事が長引いて{minutes}分ほど遅れそうです。',
      'B: 大丈夫です。{child}はおやつを食べています。',
      'A: 助かります。忘れた上着も持っていきます。',
      'B: はーい🙆🏻‍♀️',
    ],
  },
  {
    topic: 'schedule',
    at: 'evening',
    turns: [
      'A: {saturday}の面会、翌週に変更できますか。出張が入ってしまいました。',
      'B: わかりました。では翌週の土曜日でお願いします。',
      'A: ありがとうございます。カレンダーに入れておきます。',
      'B: {child}にも伝えておきますね。',
    ],
    event: { title: '面会日の変更', on: 'saturday', hours: 8 },
  },
  {
    topic: 'school',
    at: 'evening',
    turns: [
      'A: {date}の{time}から保護者面談です。一緒に行きますか。',
      'B: はい、一緒のほうが{child}も安心すると思います。',
      'A: では校門の前で。',
      'B: よろしくお願いします。',
    ],
    event: { title: '保護者面談', on: 'date', hours: 1 },
  },
  {
    topic: 'health',
    at: 'evening',
    turns: [
      'A: {child}、38.5度の熱があります。{ago}に薬を飲ませました。',
      'B: 心配ですね。明日は私が休みを取りましょうか。',
      'A: お願いできますか。次の薬は夜中の12時以降です。',
      'B+12h: 今朝は37.0度、うどんを全部食べました🍜',
      'A: よかった。本当にありがとう。',
    ],
  },
  {
    topic: 'money',
    at: 'evening',
    expense: { category: 'activities', description: '習い事の月謝', dollars: [50, 160], settled: true },
    turns: [
      'A: 習い事の月謝、{amount}でした。半分の{half}をお願いします。',
      'B: 今振り込みました。',
      'A: 確認しました。ありがとうございます。',
    ],
  },
  {
    topic: 'holidays',
    months: [12, 1],
    turns: [
      'A: お正月は元日がそちら、2日からこちらでいいですか。',
      'B: はい。{child}がおじいちゃんと餅つきをしたいそうです。',
      'A: いいですね。お年玉も楽しみにしているみたいです🎍',
    ],
  },
  {
    topic: 'tension',
    at: 'evening',
    turns: [
      'A: 約束は{ago}でした。連絡もなく、{child}が玄関でずっと待っています。',
      'B+20m: 申し訳ありません。会議中で連絡できませんでした。今向かっています。',
      'A: 遅れるときは必ずここに書いてください。',
      'B: わかりました。気をつけます。',
    ],
  },
  {
    topic: 'everyday',
    at: 'evening',
    turns: [
      'A: 今日、逆上がりができました！',
      'B: すごい！動画はありますか？',
      'A: 今度会うときに本人が見せたいそうです😊',
      'B: 楽しみにしています。',
    ],
    ages: [5, 10],
  },
];

export const chinese: readonly Dialogue[] = [
  {
    topic: 'pickup',
    at: 'afternoon',
    turns: [
      'A: 路上堵车，我大概晚到{minutes}分钟。 | 会议还没结束，可能晚{minutes}分钟。',
      'B: 没关系，{child}正在吃点心。',
      'A: 谢谢，外套我也带过来了。',
      'B: 好的👌🏻',
    ],
  },
  {
    topic: 'schedule',
    at: 'evening',
    turns: [
      'A: 这个周末能换一下吗？{saturday}是我爸的七十大寿。',
      'B: 可以，那下个周末{child}跟我。',
      'A: 好，我写到日历里，免得以后说不清。',
      'B: 替我祝老人家生日快乐🎂',
    ],
    event: { title: '周末对调（爷爷寿宴）', on: 'saturday', hours: 48 },
  },
  {
    topic: 'school',
    at: 'evening',
    turns: [
      'A: {date}{time}开家长会，你有空吗？',
      'B: 有，我们一起去吧，对孩子好。',
      'A: 老师说{child}最近作文进步很大。',
      'B: 太好了，回家好好表扬一下。',
    ],
    event: { title: '家长会', on: 'date', hours: 1 },
  },
  {
    topic: 'health',
    at: 'evening',
    turns: [
      'A: {child}发烧38.6度，{ago}吃了退烧药。',
      'B: 要不要去医院？我可以马上过来。',
      'A: 先观察一晚，下次吃药要过了半夜。',
      'B+12h: 今天早上怎么样？',
      'A: 退烧了，喝了一大碗粥。',
    ],
  },
  {
    topic: 'money',
    at: 'evening',
    expense: { category: 'activities', description: '兴趣班学费', dollars: [80, 260], settled: true },
    turns: ['A: 兴趣班学费{amount}，一人一半是{half}。', 'B: 刚转过去，请查收。', 'A: 收到，谢谢。'],
  },
  {
    topic: 'holidays',
    months: [1, 2],
    turns: [
      'A: 今年除夕在你那边，初二来我们家，对吧？',
      'B: 对。{child}说要给两边的爷爷奶奶都拜年🧧',
      'A: 好懂事。新年快乐！',
    ],
  },
  {
    topic: 'tension',
    at: 'evening',
    turns: [
      'A: 说好{ago}送回来，现在人呢？电话也不接。',
      'B+20m: 对不起，手机没电了，已经在路上。',
      'A: 我很担心。以后晚了请提前说一声。',
      'B: 是我不对，下次一定注意。',
    ],
  },
];

export const korean: readonly Dialogue[] = [
  {
    topic: 'pickup',
    at: 'afternoon',
    turns: [
      'A: 차가 너무 막혀서 {minutes}분 정도 늦을 것 같아요. | 회의가 길어져서 {minutes}분쯤 늦어요, 미안해요.',
      'B: 괜찮아요. {child} 간식 먹고 있어요.',
      'A: 고마워요. 두고 간 점퍼도 가져갈게요.',
      'B: 네 👍🏻',
    ],
  },
  {
    topic: 'schedule',
    at: 'evening',
    turns: [
      'A: 이번 주말 바꿀 수 있을까요? {saturday}에 할머니 칠순 잔치가 있어요.',
      'B: 네, 그럼 다음 주말은 제가 데리고 있을게요.',
      'A: 좋아요. 달력에 적어 둘게요.',
      'B: 할머니께 안부 전해 주세요.',
    ],
    event: { title: '주말 교환 (칠순 잔치)', on: 'saturday', hours: 48 },
  },
  {
    topic: 'school',
    at: 'evening',
    turns: [
      'A: {date} {time}에 학부모 상담이 있대요. 같이 갈까요?',
      'B: 네, 같이 가는 게 {child}한테도 좋을 것 같아요.',
      'A: 그럼 교문 앞에서 봐요.',
    ],
    event: { title: '학부모 상담', on: 'date', hours: 1 },
  },
  {
    topic: 'health',
    at: 'evening',
    turns: [
      'A: {child} 열이 38.4도예요. {ago}에 해열제 먹였어요.',
      'B: 내일 제가 휴가 낼까요?',
      'A: 그래 주면 고맙죠. 다음 약은 자정 이후예요.',
      'B+12h: 아침에 열 내렸고 죽도 다 먹었어요.',
      'A: 다행이다. 고마워요 🙏🏻',
    ],
  },
  {
    topic: 'money',
    at: 'evening',
    expense: { category: 'school', description: '학원비', dollars: [90, 280], settled: true },
    turns: [
      'A: 이번 달 학원비 {amount} 결제했어요. 절반은 {half}이에요.',
      'B: 방금 이체했어요.',
      'A: 확인했어요. 고마워요.',
    ],
  },
  {
    topic: 'holidays',
    months: [8, 9, 10],
    turns: [
      'A: 추석 당일은 그쪽, 다음 날부터 저희 집 맞죠?',
      'B: 맞아요. {child}가 송편 만든다고 벌써 신났어요.',
      'A: 사진 꼭 보내 주세요 🌕',
    ],
  },
  {
    topic: 'tension',
    at: 'evening',
    turns: [
      'A: {ago}까지 데려오기로 했잖아요. 연락도 안 되고.',
      'B+20m: 미안해요, 배터리가 나갔어요. 지금 가고 있어요.',
      'A: 걱정했어요. 늦으면 꼭 미리 적어 주세요.',
      'B: 네, 제 잘못이에요.',
    ],
  },
];

/** Thai has no spaces between words and stacks marks on its consonants: a hard case for any renderer. */
export const thai: readonly Dialogue[] = [
  {
    topic: 'pickup',
    at: 'afternoon',
    turns: [
      'A: ขอโทษ{A:ครับ/ค่ะ} รถติดมาก น่าจะช้าประมาณ {minutes} นาที',
      'B: ไม่เป็นไร{B:ครับ/ค่ะ} {child}กำลังกินขนมอยู่',
      'A: ขอบคุณ{A:ครับ/ค่ะ} เดี๋ยวเอาเสื้อกันหนาวไปให้ด้วย',
      'B: โอเค{B:ครับ/ค่ะ} 👍🏽',
    ],
  },
  {
    topic: 'schedule',
    at: 'evening',
    turns: [
      'A: ขอสลับวันหยุดได้ไหม{A:ครับ/คะ} วันที่ {saturday} มีงานแต่งงานน้องสาว',
      'B: ได้{B:ครับ/ค่ะ} งั้นสัปดาห์ถัดไปให้{child}อยู่ที่นี่นะ',
      'A: ตกลง{A:ครับ/ค่ะ} จะลงปฏิทินไว้',
      'B: ฝากแสดงความยินดีด้วย{B:ครับ/ค่ะ}',
    ],
    event: { title: 'สลับวันหยุด (งานแต่งงาน)', on: 'saturday', hours: 48 },
  },
  {
    topic: 'health',
    at: 'evening',
    turns: [
      'A: {child}มีไข้ 38.5 ให้กินยาไปตอน {ago}',
      'B: ต้องไปหาหมอไหม{B:ครับ/คะ}',
      'A: รอดูถึงพรุ่งนี้เช้าก่อน ยาครั้งต่อไปหลังเที่ยงคืน',
      'B+12h: เช้านี้เป็นยังไงบ้าง',
      'A: ไข้ลดแล้ว กินข้าวต้มหมดชามเลย',
    ],
  },
  {
    topic: 'money',
    at: 'evening',
    expense: { category: 'activities', description: 'ค่าเรียนพิเศษ', dollars: [40, 140], settled: true },
    turns: ['A: ค่าเรียนพิเศษ {amount} หารครึ่งคนละ {half}', 'B: โอนแล้ว{B:ครับ/ค่ะ}', 'A: ได้รับแล้ว ขอบคุณ{A:ครับ/ค่ะ} 🙏🏽'],
  },
  {
    topic: 'holidays',
    months: [3, 4],
    turns: [
      'A: สงกรานต์ปีนี้{child}อยู่กับคุณวันที่ 13 แล้วมาบ้านเราวันที่ 14 ใช่ไหม',
      'B: ใช่{B:ครับ/ค่ะ} เตรียมปืนฉีดน้ำไว้ให้แล้ว 💦',
      'A: สนุกแน่นอน',
    ],
  },
  {
    topic: 'tension',
    at: 'evening',
    turns: [
      'A: นัดกันไว้ {ago} แต่ยังไม่มีใครมา โทรไปก็ไม่ติด',
      'B+20m: ขอโทษจริง ๆ{B:ครับ/ค่ะ} แบตหมด กำลังไปแล้ว',
      'A: คราวหน้าช่วยบอกก่อนนะ {child}รออยู่หน้าบ้าน',
      'B: เข้าใจแล้ว{B:ครับ/ค่ะ}',
    ],
  },
];

export const vietnamese: readonly Dialogue[] = [
  {
    topic: 'pickup',
    at: 'afternoon',
    turns: [
      'A: Kẹt xe quá, chắc trễ khoảng {minutes} phút nhé. | Họp chưa xong, {minutes} phút nữa mới tới được.',
      'B: Không sao, {child} đang ăn nhẹ.',
      'A: Cảm ơn nhé. Mang cả áo khoác con để quên luôn.',
      'B: Ok 👍🏻',
    ],
  },
  {
    topic: 'schedule',
    at: 'evening',
    turns: [
      'A: Cuối tuần này mình đổi được không? {saturday} là giỗ ông nội.',
      'B: Được, vậy tuần sau {child} ở bên này.',
      'A: Đồng ý, để ghi vào lịch cho rõ.',
      'B: Cho gửi lời thăm bà nội.',
    ],
    event: { title: 'Đổi cuối tuần (giỗ ông)', on: 'saturday', hours: 48 },
  },
  {
    topic: 'school',
    at: 'evening',
    turns: [
      'A: {date} họp phụ huynh lúc {time}. Cùng đi nhé?',
      'B: Ừ, đi cùng để con thấy bố mẹ thống nhất.',
      'A: Cô giáo khen {child} viết chữ đẹp hơn nhiều.',
      'B: Giỏi quá!',
    ],
    event: { title: 'Họp phụ huynh', on: 'date', hours: 1 },
  },
  {
    topic: 'health',
    at: 'evening',
    turns: [
      'A: {child} sốt 38 độ rưỡi, đã cho uống thuốc lúc {ago}.',
      'B: Có cần đưa đi bác sĩ không?',
      'A: Theo dõi đến sáng đã. Liều sau qua nửa đêm mới uống.',
      'B+12h: Sáng nay sao rồi?',
      'A: Hạ sốt rồi, ăn hết bát cháo.',
    ],
  },
  {
    topic: 'money',
    at: 'evening',
    expense: { category: 'school', description: 'Học phí', dollars: [60, 200], settled: true },
    turns: [
      'A: Học phí tháng này {amount}, mỗi người một nửa là {half}.',
      'B: Chuyển khoản rồi nhé.',
      'A: Nhận được rồi, cảm ơn.',
    ],
  },
  {
    topic: 'holidays',
    months: [1, 2],
    turns: [
      'A: Giao thừa con ở bên này, mùng hai sang bên đó, đúng không?',
      'B: Đúng rồi. {child} háo hức nhận lì xì lắm 🧧',
      'A: Chúc mừng năm mới!',
    ],
  },
  {
    topic: 'tension',
    at: 'evening',
    turns: [
      'A: Hẹn {ago} mà giờ chưa thấy ai, gọi cũng không được.',
      'B+20m: Xin lỗi, điện thoại hết pin. Đang trên đường về.',
      'A: Lần sau nhớ báo trước, {child} ngồi chờ ngoài cửa.',
      'B: Ừ, lỗi của mình.',
    ],
  },
];
