import type { Dialogue } from './dialogue.ts';

/** Spanish, as spoken by families with one foot in Mexico, Colombia or Spain. */
export const spanish: readonly Dialogue[] = [
  {
    topic: 'pickup',
    at: 'afternoon',
    turns: [
      'A: Voy {minutes} minutos tarde, hay un accidente en la avenida. | Se me hizo tarde, llego en unos {minutes} minutos.',
      'B: Sin problema, {child} está merendando.',
      'A: Gracias. Llevo también la chamarra que dejó el domingo.',
      'B: Perfecto 👍',
    ],
  },
  {
    topic: 'pickup',
    at: 'evening',
    turns: [
      'A: ¿El {weekday} recoges tú a {child} o voy yo?',
      'B: Voy yo, salgo a las {time}.',
      'A: Vale. Tiene {activity} y hay que llevarle agua.',
      'B: Anotado.',
    ],
  },
  {
    topic: 'schedule',
    at: 'evening',
    turns: [
      'A: ¿Podemos cambiar el fin de semana? Mi hermana bautiza al bebé el {saturday}.',
      'B: Sí, pero entonces {child} se queda conmigo el siguiente, como dice el convenio.',
      'A: De acuerdo. Lo pongo en el calendario para que quede por escrito.',
      'B: Gracias. Felicita a tu hermana de mi parte.',
    ],
    event: { title: 'Cambio de fin de semana (bautizo)', on: 'saturday', hours: 48 },
  },
  {
    topic: 'school',
    at: 'evening',
    months: [1, 2, 3, 4, 5, 9, 10, 11, 12],
    turns: [
      'A: La maestra quiere vernos el {date} a las {time}. Dice que no es nada malo.',
      'B: Eso dicen siempre 😅 Voy. ¿Vamos juntos?',
      'A: Mejor juntos, así {child} ve que estamos de acuerdo.',
      'B+4d: Salió bien, ¿no? Lo de leer veinte minutos cada noche lo hacemos en las dos casas.',
      'A: En las dos casas. Hecho.',
    ],
    event: { title: 'Reunión con la maestra', on: 'date', hours: 1 },
  },
  {
    topic: 'health',
    at: 'evening',
    turns: [
      'A: {child} tiene 38.4 de fiebre. Le di paracetamol a las {ago}.',
      'B: Pobre. ¿Necesitas algo de la farmacia?',
      'A: Suero, si puedes. La próxima dosis no antes de las once, por si mañana te toca a ti.',
      'B: Voy para allá.',
      'B+12h: Amaneció mejor, ya está pidiendo pan con chocolate 😊',
      'A: Qué alivio. Gracias.',
    ],
  },
  {
    topic: 'money',
    at: 'evening',
    expense: { category: 'medical', description: 'Dentista', dollars: [60, 220], settled: true },
    turns: [
      'A: El dentista costó {amount}. La mitad son {half}.',
      'B: Te transferí los {half}. ¿Tiene que volver?',
      'A: En seis meses. Gracias por pagar tan rápido.',
    ],
  },
  {
    topic: 'money',
    expense: { category: 'school', description: 'Útiles y uniforme', dollars: [80, 240], settled: false },
    turns: [
      'A: Uniforme y útiles: {amount} en total. Te corresponden {half}.',
      'B: Este mes no puedo, {A}. ¿Puede ser a fin del que viene?',
      'A: Puede ser, pero ponme una fecha, por favor.',
      'B: El {date}. Queda escrito.',
    ],
    months: [8, 9],
  },
  {
    topic: 'holidays',
    months: [11, 12],
    turns: [
      'A: Este año la Nochebuena es contigo y la Nochevieja conmigo, ¿verdad?',
      'B: Así es. Y los Reyes los hacemos juntos en casa de mi mamá, si quieres. {child} lo pidió en la carta.',
      'A: Claro que sí. Llevo la rosca. 👑',
    ],
  },
  {
    topic: 'tension',
    at: 'evening',
    turns: [
      'A: Quedamos a las {ago} y aquí no hay nadie. {child} lleva media hora en la ventana.',
      'B+20m: Perdón, se alargó el trabajo y no pude escribir.',
      'A: Es la tercera vez. No es por mí, es por {child}.',
      'B: Tienes razón. El {weekday} llego antes y se lo explico yo.',
    ],
  },
  {
    topic: 'tension',
    at: 'evening',
    turns: [
      'A: Por favor, no hables de la demanda delante de {child}.',
      'B: No lo hice. Nos oyó por teléfono.',
      'A: Entonces hablemos del tema solo por aquí.',
      'B: De acuerdo. Solo por aquí.',
    ],
  },
  {
    topic: 'everyday',
    at: 'evening',
    turns: [
      'A: ¡{child} perdió el diente! Quiere llamarte antes de que venga el ratón 🐭',
      'B: ¡Que llame ya!',
      'B+15m: Qué risa. Dice que el ratón paga mejor en tu casa.',
      'A: Negocia como tu papá 😂',
    ],
    ages: [5, 8],
  },
  {
    topic: 'everyday',
    turns: ['A: Gracias por quedarte con {child} ayer. Lo necesitaba.', 'B: Para eso estamos. Descansa. 🤗'],
  },
];

export const german: readonly Dialogue[] = [
  {
    topic: 'pickup',
    at: 'afternoon',
    turns: [
      'A: Ich verspäte mich um etwa {minutes} Minuten, die S-Bahn steht. | Stau auf der A3, ich brauche noch ungefähr {minutes} Minuten.',
      'B: Kein Stress, {child} macht gerade Hausaufgaben.',
      'A: Danke. Ich bringe auch die Gummistiefel mit.',
      'B: 👍',
    ],
  },
  {
    topic: 'schedule',
    at: 'evening',
    turns: [
      'A: Könnten wir das Wochenende tauschen? Am {saturday} wird meine Mutter siebzig und sie wünscht sich, dass {child} dabei ist.',
      'B: Ja, gern. Dann nehme ich das Wochenende danach.',
      'A: Abgemacht. Trägst du es in den Kalender ein?',
      'B: Ist drin. Grüß deine Mutter von mir.',
    ],
    event: { title: 'Wochenendtausch (Geburtstag Oma)', on: 'saturday', hours: 48 },
  },
  {
    topic: 'school',
    at: 'evening',
    months: [1, 2, 3, 4, 5, 9, 10, 11, 12],
    turns: [
      'A: Elternsprechtag ist am {date}, wir könnten um {time} Uhr. Gehst du mit?',
      'B: Ja, zusammen ist besser.',
      'A+9d: Fand ich ein gutes Gespräch. Mathe üben wir also in beiden Wohnungen, eine Viertelstunde am Tag.',
      'B: Genau. Und keine Diskussion über das Handy vorher 😄',
    ],
    event: { title: 'Elternsprechtag', on: 'date', hours: 1 },
  },
  {
    topic: 'health',
    at: 'evening',
    turns: [
      'A: {child} hat 38,9 Fieber. Um {ago} Uhr gab es Ibuprofensaft.',
      'B: Oje. Soll ich morgen übernehmen, damit du arbeiten kannst?',
      'A: Das wäre lieb. Die nächste Dosis frühestens um Mitternacht.',
      'B+12h: 37,5 und schon wieder am Diskutieren. Es geht bergauf.',
      'A: Gott sei Dank 🙏',
    ],
  },
  {
    topic: 'money',
    expense: { category: 'school', description: 'Klassenfahrt', dollars: [180, 360], settled: false },
    turns: [
      'A: Die Klassenfahrt kostet {amount}, für jeden also {half}. Ich habe es der Schule überwiesen.',
      'B: Das ist gerade viel. Kann ich in zwei Raten zahlen?',
      'A: Ja, aber bitte bis zum {date}.',
      'B: Versprochen.',
    ],
  },
  {
    topic: 'money',
    at: 'evening',
    expense: { category: 'activities', description: 'Vereinsbeitrag', dollars: [60, 160], settled: true },
    turns: [
      'A: Vereinsbeitrag für {activity}: {amount}, die Hälfte wären {half}.',
      'B: Überwiesen. Danke fürs Auslegen.',
      'A: Ist da, danke dir.',
    ],
  },
  {
    topic: 'holidays',
    months: [11, 12],
    turns: [
      'A: Heiligabend bei mir, erster Feiertag ab 11 bei dir, wie in der Vereinbarung?',
      'B: Ja. Und ein gemeinsames Geschenk? {child} hat zweimal denselben Wunschzettel geschrieben.',
      'A: Schlau. Dann das Fahrrad, ich besorge es, wir teilen. 🎄',
    ],
  },
  {
    topic: 'tension',
    at: 'evening',
    turns: [
      'A: Wir hatten {ago} Uhr ausgemacht. Jetzt ist es eine Stunde später und ich erreiche dich nicht.',
      'B+25m: Es tut mir leid, mein Akku war leer. Wir sind gleich da.',
      'A: Ich habe mir Sorgen gemacht. Bitte schreib das nächste Mal vorher.',
      'B: Mache ich. Du hast recht.',
    ],
  },
  {
    topic: 'tension',
    at: 'evening',
    turns: [
      'A: Das Jugendamt hat uns zum Gespräch eingeladen. Ich finde, wir sollten vorher einmal unter vier Augen reden.',
      'B: Finde ich auch. {weekday} um {time} Uhr im Café?',
      'A: Gut. Nur über {child}, nicht über uns.',
      'B: Nur über {child}.',
    ],
  },
  {
    topic: 'everyday',
    at: 'evening',
    turns: [
      'A: {child} vermisst den Stoffhasen. Ist er bei dir?',
      'B: Liegt auf dem Sofa. Ich bringe ihn schnell vorbei 🐰',
      'A+20m: Gerettet. Danke!',
    ],
    ages: [3, 8],
  },
];

export const french: readonly Dialogue[] = [
  {
    topic: 'pickup',
    at: 'afternoon',
    turns: [
      'A: Je serai en retard de {minutes} minutes, le périphérique est bouché. | Le RER est arrêté, j’aurai {minutes} minutes de retard.',
      'B: D’accord, on goûte en t’attendant.',
      'A: Merci. J’apporte le cahier oublié.',
      'B: Parfait 👌',
    ],
  },
  {
    topic: 'schedule',
    at: 'evening',
    turns: [
      'A: On pourrait échanger nos week-ends ? Ma cousine se marie le {saturday}.',
      'B: Oui, à condition de récupérer le suivant. {child} sera {C:ravi/ravie} de voir ses cousins.',
      'A: Bien sûr. Je l’écris dans le calendrier, comme ça c’est clair.',
      'B: Merci.',
    ],
    event: { title: 'Échange de week-end (mariage)', on: 'saturday', hours: 48 },
  },
  {
    topic: 'school',
    at: 'evening',
    months: [1, 2, 3, 4, 5, 9, 10, 11, 12],
    turns: [
      'A: La maîtresse nous propose un rendez-vous le {date} à {time}.',
      'B: J’y serai. Ensemble, c’est mieux.',
      'A: Oui. Et demande-lui pour la cantine, {child} n’y mange presque rien.',
      'B: Je note.',
    ],
    event: { title: 'Rendez-vous à l’école', on: 'date', hours: 1 },
    ages: [4, 11],
  },
  {
    topic: 'health',
    at: 'evening',
    turns: [
      'A: {child} a 39 de fièvre. Doliprane donné à {ago}.',
      'B: Pauvre chou. Tu veux que je vienne demain matin ?',
      'A: Oui, j’ai une réunion à 9 h. Pas d’autre dose avant minuit.',
      'B+12h: 37,8 ce matin, et une envie de crêpes. Ça va mieux !',
      'A: Ouf. Merci beaucoup.',
    ],
  },
  {
    topic: 'money',
    expense: { category: 'medical', description: 'Orthodontiste', dollars: [180, 420], settled: false },
    turns: [
      'A: L’orthodontiste a coûté {amount}, donc {half} chacun.',
      'B: J’aurais préféré voir le devis avant.',
      'A: Tu as raison, je te l’envoie et la prochaine fois je demande d’abord.',
      'B: Merci. Je paie ma part avant le {date}.',
    ],
    ages: [9, 15],
  },
  {
    topic: 'money',
    at: 'evening',
    expense: { category: 'activities', description: 'Inscription annuelle', dollars: [90, 240], settled: true },
    turns: [
      'A: Inscription pour {activity} : {amount}. La moitié fait {half}.',
      'B: Viré à l’instant.',
      'A: Bien reçu, merci !',
    ],
  },
  {
    topic: 'holidays',
    months: [5, 6, 7],
    turns: [
      'A: Pour l’été : juillet chez toi, août chez moi, comme l’année dernière ?',
      'B: Oui, mais j’aimerais l’avoir le 15 août pour l’anniversaire de maman.',
      'A: Pas de souci, je fais la route. ☀️',
    ],
  },
  {
    topic: 'tension',
    at: 'evening',
    turns: [
      'A: Ne passe plus par {child} pour me dire les choses. Écris-moi ici.',
      'B: C’était juste pour le mot de la piscine.',
      'A: Oui, mais ensuite il y a eu des larmes pour l’avoir oublié.',
      'B: Je comprends. Je ne le ferai plus.',
    ],
  },
  {
    topic: 'everyday',
    at: 'evening',
    turns: [
      'A: Première dent tombée ce soir 🦷',
      'B: Non !! Elle est où, la petite souris ?',
      'A: En route. Elle passera aussi chez toi, paraît-il.',
      'B: Message reçu 😄',
    ],
    ages: [5, 7],
  },
];

export const portuguese: readonly Dialogue[] = [
  {
    topic: 'pickup',
    at: 'afternoon',
    turns: [
      'A: Vou atrasar uns {minutes} minutos, a marginal está parada. | Desculpa, saí tarde do trabalho, chego em {minutes} minutos.',
      'B: Tudo bem, {child} está lanchando.',
      'A: Obrigad{A:o/a}. Estou levando o tênis também.',
      'B: Beleza 👍',
    ],
  },
  {
    topic: 'schedule',
    at: 'evening',
    turns: [
      'A: Dá para trocar o fim de semana? O aniversário da minha avó é em {saturday}.',
      'B: Dá, sim. Fico com {child} no seguinte, pode ser?',
      'A: Pode. Já coloquei na agenda.',
      'B: Manda um beijo para a sua avó.',
    ],
    event: { title: 'Troca de fim de semana', on: 'saturday', hours: 48 },
  },
  {
    topic: 'school',
    at: 'evening',
    months: [2, 3, 4, 5, 6, 8, 9, 10, 11],
    turns: [
      'A: Reunião na escola em {date}, às {time}. Você consegue ir?',
      'B: Consigo. Vamos juntos, fica melhor para {child}.',
      'A: Concordo. A professora disse que a leitura melhorou muito 📚',
      'B: Que orgulho!',
    ],
    event: { title: 'Reunião na escola', on: 'date', hours: 1 },
  },
  {
    topic: 'health',
    at: 'evening',
    turns: [
      'A: {child} está com 38,5 de febre. Dei o remédio às {ago}.',
      'B: Tadinh{C:o/a}. Quer que eu leve ao pediatra amanhã?',
      'A: Quero, por favor. A receita está na mochila.',
      'B+14h: Era só garganta. Três dias em casa e muito líquido.',
      'A: Ufa. Obrigad{A:o/a} por levar.',
    ],
  },
  {
    topic: 'money',
    at: 'evening',
    expense: { category: 'school', description: 'Material escolar', dollars: [60, 200], settled: true },
    turns: [
      'A: O material escolar ficou em {amount}. Sua parte é {half}.',
      'B: Acabei de fazer o Pix.',
      'A: Recebi, obrigad{A:o/a}!',
    ],
  },
  {
    topic: 'money',
    turns: [
      'A: A pensão deste mês ainda não caiu.',
      'B: O banco mudou a data, cai na {weekday} sem falta.',
      'A: Preciso pagar o aluguel antes. Consegue adiantar metade?',
      'B+2h: Feito.',
    ],
  },
  {
    topic: 'holidays',
    months: [11, 12],
    turns: [
      'A: Natal comigo e Ano-Novo com você, certo?',
      'B: Certo. E no dia 25 à tarde posso passar para dar um abraço em {child}?',
      'A: Claro. Venha comer rabanada 🎄',
    ],
  },
  {
    topic: 'tension',
    at: 'evening',
    turns: [
      'A: Você combinou às {ago} e não apareceu. {child} ficou esperando na portaria.',
      'B+30m: Errei. Fiquei sem bateria e sem desculpa.',
      'A: Fala com {child}, por favor. Comigo não precisa.',
      'B: Vou falar agora.',
    ],
  },
];

export const ukrainian: readonly Dialogue[] = [
  {
    topic: 'pickup',
    at: 'afternoon',
    turns: [
      'A: Запізнююся хвилин на {minutes}, затор на мосту. | Вибач, автобус запізнюється, буду хвилин за {minutes}.',
      'B: Нічого страшного, {child} якраз полуднює.',
      'A: Дякую. Везу ще теплу куртку.',
      'B: Добре 👍',
    ],
  },
  {
    topic: 'schedule',
    at: 'evening',
    turns: [
      'A: Чи можемо помінятися вихідними? {saturday} у моєї мами ювілей.',
      'B: Так, звісно. Тоді наступні вихідні {child} у мене.',
      'A: Домовилися, запишу в календар.',
      'B: Вітання мамі від мене.',
    ],
    event: { title: 'Обмін вихідними (ювілей)', on: 'saturday', hours: 48 },
  },
  {
    topic: 'health',
    at: 'evening',
    turns: [
      'A: У {C:нього/неї} температура 38,7. О {ago} {A:дав/дала} сироп.',
      'B: Може, викликати лікаря?',
      'A: Почекаємо до ранку. Наступна доза не раніше півночі.',
      'B+12h: Як ви?',
      'A: Краще, вже 37,2 і просить млинці 🥞',
    ],
  },
  {
    topic: 'money',
    at: 'evening',
    expense: { category: 'activities', description: 'Гурток', dollars: [40, 120], settled: true },
    turns: [
      'A: За гурток {A:заплатив/заплатила} {amount}, з тебе половина: {half}.',
      'B: Переказ уже відправлено.',
      'A: Бачу, дякую.',
    ],
  },
  {
    topic: 'holidays',
    months: [11, 12],
    turns: [
      'A: Новий рік з тобою, Різдво з нами, як торік?',
      'B: Так. Тільки дай поговорити по відео ввечері, {child} хоче заколядувати 🎄',
      'A: Обов’язково.',
    ],
  },
  {
    topic: 'tension',
    at: 'evening',
    turns: [
      'A: Ми домовлялися на {ago}. Минула година, а телефон мовчить.',
      'B+20m: Пробач, сів акумулятор. Ми вже їдемо.',
      'A: Я дуже {A:хвилювався/хвилювалася}. Наступного разу пиши заздалегідь.',
      'B: Обіцяю.',
    ],
  },
  {
    topic: 'everyday',
    at: 'evening',
    turns: [
      'A: {child} питає, чи можна взяти кота на твої вихідні 😹',
      'B: Кота можна. Кіт у договорі не прописаний.',
      'A: Тоді вас троє.',
    ],
  },
];
