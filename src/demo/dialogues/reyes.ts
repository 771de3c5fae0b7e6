import type { Dialogue } from './dialogue.ts';

/** One scene of a written story: a dialogue on a certain day, at a certain minute of it. */
export interface Scene {
  readonly daysAgo: number;
  /** Moved back to the last such day of the week (Monday is 1), so that "Friday" is a Friday. */
  readonly weekday?: number;
  readonly at: string;
  /** Number of the turn that its writer changed afterwards, and the minutes until then. */
  readonly edited?: { readonly turn: number; readonly afterMinutes: number };
  readonly dialogue: Dialogue;
}

/**
 * The family a newcomer is shown: Morgan Ellis (A) and Daniel Reyes (B), Sofia and Leo, and Ingrid Halvorsen (P), their
 * parenting coordinator. What a court would want is here on purpose: a promise about medical costs and one about moving
 * that are older than three years and thus due to be purged, a bill that was not paid, exchanges that were late or
 * missed with their times, a message changed after it was sent, and the kindness that belongs in the record too.
 */
export const reyesStory: readonly Scene[] = [
  {
    daysAgo: 1134,
    weekday: 2,
    at: '20:12',
    dialogue: {
      topic: 'money',
      turns: [
        'A: Before the mediation on Thursday: can we agree on one thing in writing? Everything medical and dental for Sofia and Leo, half each, receipts within thirty days.',
        'B+6m: Yes. Half each, medical and dental, no discussion. That part is easy.',
        'A+1m: Thank you. I’ll keep this message.',
        'B+1m: Keep it. 🙂',
      ],
    },
  },
  {
    daysAgo: 1127,
    weekday: 5,
    at: '21:03',
    dialogue: {
      topic: 'schedule',
      turns: [
        'B: The mediator says we should put the thing about moving in writing too.',
        'A+4m: OK. Neither of us moves the kids out of the county without the other’s written yes, and whoever wants to gives sixty days’ notice.',
        'B+9m: Agreed. Sixty days, in writing, and a written yes.',
        'A+2m: Agreed.',
      ],
    },
  },
  {
    daysAgo: 1118,
    weekday: 7,
    at: '18:22',
    dialogue: {
      topic: 'everyday',
      turns: [
        'A: First weekend done. They’re tired and happy. Leo slept in the new bunk bed without the light.',
        'B+11m: I was more nervous than they were. Thank you for packing the rabbit.',
        'A+2m: The rabbit is non-negotiable 🐇',
      ],
    },
  },
  {
    daysAgo: 742,
    weekday: 3,
    at: '19:40',
    dialogue: {
      topic: 'everyday',
      turns: [
        'B: Sofia read a whole chapter to me tonight. Out loud. With voices.',
        'A+3m: The dragon voice?',
        'B+1m: The dragon voice. I had to leave the room for a second, I was so proud.',
        'A+4m: We made a good one. 💛',
      ],
    },
  },
  {
    daysAgo: 171,
    weekday: 4,
    at: '17:25',
    dialogue: {
      topic: 'money',
      attach: { turn: 0, kind: 'receipt', name: 'leo-dental-crown.pdf' },
      expense: {
        category: 'medical',
        description: 'Leo, dental crown after the fall',
        dollars: [640, 640],
        settled: false,
      },
      turns: [
        'A: Leo’s crown was {amount}, the receipt from Dr. Whitcomb is attached. Your half is {half}, as we agreed.',
        'B+2h: Ouch, poor kid. I’ll send it at the end of the month.',
        'A+5m: That’s fine. Thank you.',
      ],
    },
  },
  {
    daysAgo: 143,
    weekday: 5,
    at: '17:48',
    dialogue: {
      topic: 'pickup',
      turns: [
        'A: It’s 5:48. We said 5:30, and the kids are sitting on the steps with their bags.',
        'A+14m: 6:02. Daniel?',
        'B+9m: Sorry, sorry. Traffic on I-84. Ten minutes.',
        'A+16m: You got here at 6:27. I’m writing the time down so that neither of us has to remember it.',
      ],
    },
  },
  {
    daysAgo: 128,
    weekday: 1,
    at: '09:05',
    dialogue: {
      topic: 'money',
      turns: [
        'A: A friendly reminder about the $320 for Leo’s crown. It’s been six weeks.',
        'B+5h: I never agreed to pay half of dental. Medical, yes. Dental is cosmetic half the time.',
        'A+12m: You did. “Half each, medical and dental, no discussion.” It’s in this very thread, from before the mediation.',
        'B+40m: Then show me. I’m not scrolling through three years.',
        'A+3m: I’d rather not argue about it here. Please read it and then write to me.',
      ],
    },
  },
  {
    daysAgo: 108,
    weekday: 5,
    at: '17:41',
    dialogue: {
      topic: 'pickup',
      turns: [
        'A: 5:41 and nobody here. Leo is asking whether it’s really Friday.',
        'B+22m: On my way, phone was in the back. 6:15.',
        'A+13m: Thank you. He’s OK. I told him you were stuck in traffic, because I’d rather it were that.',
      ],
    },
  },
  {
    daysAgo: 87,
    weekday: 3,
    at: '21:34',
    edited: { turn: 0, afterMinutes: 52 },
    dialogue: {
      topic: 'tension',
      turns: [
        'B: I’ve been offered the job in Denver and I want to take it. It starts in January. I think the kids should finish the school year there with me.',
        'A+18m: Daniel. We agreed: no move without the other’s written yes, and sixty days’ notice. Is this the notice?',
        'B+7m: I don’t know what it is. It’s me telling you.',
        'A+26m: Then my answer is: I don’t agree to Sofia and Leo moving to Denver. I’m glad for you about the job, I mean that.',
        'B+11m: So I get to be the parent on the phone.',
        'A+4m: I didn’t say that. I said we decide it together, with Ingrid, and not at ten at night.',
      ],
    },
  },
  {
    daysAgo: 73,
    weekday: 5,
    at: '17:52',
    dialogue: {
      topic: 'pickup',
      turns: [
        'A: We’re at the library as agreed, 5:52. Are you close?',
        'A+28m: 6:20. I’ve called twice, it goes straight to voicemail.',
        'A+40m: 7:00. The library has closed. I’m taking Sofia and Leo home. Sofia is worried about you, and so am I.',
        'B+2h: I’m in Colorado Springs. The apartment viewing was today, my phone died, and I got the weekend wrong. I’m so sorry.',
        'A+9m: You were in another state on your weekend and nobody knew. Please call Sofia in the morning, she won’t sleep otherwise.',
        'B+3m: I’ll call at eight. Tell her I’m sorry. Please.',
      ],
    },
  },
  {
    daysAgo: 72,
    weekday: 6,
    at: '08:01',
    dialogue: {
      topic: 'kids',
      turns: [
        'B: Good morning Sof. I’m so sorry about yesterday. Can I call you now?',
        'K+2m: ok',
        'K+31m: mom can i sleep at dads next weekend even tho it was his fault',
        'A+4m: Of course you can, sweetheart. 💛',
      ],
    },
  },
  {
    daysAgo: 66,
    weekday: 1,
    at: '10:15',
    dialogue: {
      topic: 'coordinator',
      turns: [
        'P: Good morning. Both of you have written to me since the missed exchange. Morgan, may I ask you to say in two sentences what you need?',
        'A+44m: I need to know where the children will be, and that someone is there when they arrive. And the question of Denver decided before January, not after.',
        'P+6m: Thank you. Daniel?',
        'B+2h: I need not to lose them. I know how that sounds after Friday.',
        'P+15m: It sounds like a father. Here is what I propose until we meet: exchanges at the library with a fifteen-minute window, a message here if either of you will be later than that, and no travel out of state with the children without a written yes.',
        'A+20m: I agree.',
        'B+50m: I agree.',
        'P+5m: Noted. We meet on the second Tuesday of the month, 4 pm.',
      ],
    },
  },
  {
    daysAgo: 58,
    weekday: 2,
    at: '12:30',
    dialogue: {
      topic: 'money',
      turns: [
        'B: I found the message. You were right, I wrote “medical and dental”. I can’t pay $320 at once, with the deposit in Denver.',
        'A+35m: Thank you for saying that. Two payments of $160?',
        'B+3m: End of this month and end of next.',
        'A+1m: OK.',
      ],
    },
  },
  {
    daysAgo: 36,
    weekday: 4,
    at: '16:18',
    dialogue: {
      topic: 'tension',
      turns: [
        'A: You should hear this from me: my attorney is filing about the move, and has asked Kinfolk to preserve our messages. Nothing here will be deleted for now, yours or mine.',
        'B+55m: Are you doing this to punish me?',
        'A+13m: No. I’m doing it because on the first of January it would be too late to ask.',
        'B+2h: I got a lawyer too. Let’s keep being decent in front of the kids.',
        'A+4m: Always.',
      ],
    },
  },
  {
    daysAgo: 22,
    weekday: 6,
    at: '20:47',
    dialogue: {
      topic: 'everyday',
      attach: { turn: 1, kind: 'drawing', name: 'leo-both-houses.png' },
      turns: [
        'B: You missed Sofia’s face when she saw you in the third row. Thank you for coming on my day.',
        'A+6m: Thank you for saving me the seat. Leo drew this in the interval: it’s both houses, and all of us in between.',
        'B+5m: He made us all the same size.',
        'A+1m: He thinks of everything. 👨‍👧‍👦💛👩‍👧‍👦',
      ],
    },
  },
  {
    daysAgo: 9,
    weekday: 2,
    at: '18:05',
    dialogue: {
      topic: 'schedule',
      event: { title: 'Exchange at the library, 5:30', on: 'weekday', hours: 1 },
      turns: [
        'B: Library on Friday, 5:30? I’ll be there at 5:15 with hot chocolate.',
        'A+8m: We’ll be there. Leo wants marshmallows, Sofia says she’s too old for them and will eat his.',
        'B+2m: Double marshmallows {thumbs}',
      ],
    },
  },
];
