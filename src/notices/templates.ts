/** What a template may speak of. Names and addresses come in as text; nothing is looked up here. */
export interface NoticeFacts {
  readonly organization: string;
  readonly privacyContact: string;
  readonly reference: string;
  /** In the words of the portal: "a copy of your data". */
  readonly asked: string;
  /** "21 December 2026", or null while no date can be given. */
  readonly dueOn: string | null;
  readonly statusUrl: string;
  readonly code?: string;
  readonly codeMinutes?: number;
  readonly packageUrl?: string;
  readonly packageUntil?: string;
  /** Why it was refused, in words to stand after "because"; or what the person is told of an extension. */
  readonly reason?: string;
  readonly receipt?: {
    readonly destroyed: number;
    readonly masked: number;
    readonly kept: number;
    /** In words, each to stand after "because". */
    readonly grounds: readonly string[];
  };
}

export const noticeTemplates = [
  'request-received',
  'identity-code',
  'package-ready',
  'erasure-receipt',
  'request-answered',
  'request-refused',
  'nothing-found',
  'request-withdrawn',
  'request-extended',
] as const;
export type NoticeTemplate = (typeof noticeTemplates)[number];

type Writer = (facts: NoticeFacts) => { subject: string; body: readonly string[] };

const due = (facts: NoticeFacts) =>
  facts.dueOn === null ? 'We will write to you as soon as a date can be given.' : `We'll answer by ${facts.dueOn}.`;
const records = (count: number) => (count === 1 ? 'one record' : `${count.toLocaleString('en')} records`);
const complain = (facts: NoticeFacts) =>
  `If you think this is wrong, reply to ${facts.privacyContact} and quote ${facts.reference}. You may also complain to your data protection authority or go to court.`;

const writers: Record<NoticeTemplate, Writer> = {
  'request-received': (facts) => ({
    subject: `We have your request ${facts.reference}`,
    body: [
      `You asked us for ${facts.asked}. Your reference is ${facts.reference}.`,
      due(facts),
      `What happens next: we check that it is you, look for your data, and somebody here reviews what we found. You can follow it at ${facts.statusUrl}.`,
      'If you did not ask for this, you need not do anything: nothing is shown or changed before you prove that it is you.',
    ],
  }),
  'identity-code': (facts) => ({
    subject: `Your code for ${facts.reference}`,
    body: [
      `Your code is ${facts.code ?? ''}. It works once, for ${facts.codeMinutes ?? 0} minutes, on ${facts.statusUrl}.`,
      'Nobody from our side will ever ask you for it. If you did not ask for a code, leave it unused.',
    ],
  }),
  'package-ready': (facts) => ({
    subject: `Your data is ready: ${facts.reference}`,
    body: [
      `We have answered your request for ${facts.asked}. Fetch it here until ${facts.packageUntil ?? ''}:`,
      facts.packageUrl ?? '',
      'You will be asked for a new code, so that nobody else can use this link. The package explains how anyone can check that it is complete and unchanged.',
      complain(facts),
    ],
  }),
  'erasure-receipt': (facts) => ({
    subject: `We have deleted your data: ${facts.reference}`,
    body: [
      `You asked us for ${facts.asked}. We have deleted ${records(facts.receipt?.destroyed ?? 0)} and removed what names you from ${records(facts.receipt?.masked ?? 0)}.`,
      facts.receipt && facts.receipt.kept > 0
        ? `We kept ${records(facts.receipt.kept)}, because ${facts.receipt.grounds.join(', or because ')}.`
        : 'We kept nothing of yours.',
      `Afterwards we searched again. The receipt is at ${facts.statusUrl}.`,
      complain(facts),
    ],
  }),
  'request-answered': (facts) => ({
    subject: `Your request is done: ${facts.reference}`,
    body: [`You asked us for ${facts.asked}. It is done. The details are at ${facts.statusUrl}.`, complain(facts)],
  }),
  'request-refused': (facts) => ({
    subject: `Our answer to your request ${facts.reference}`,
    body: [
      `You asked us for ${facts.asked}. We could not do it${facts.reason ? `, because ${facts.reason}` : ''}.`,
      complain(facts),
    ],
  }),
  'nothing-found': (facts) => ({
    subject: `Our answer to your request ${facts.reference}`,
    body: [
      `You asked us for ${facts.asked}. We looked everywhere and found no data about you under this address. If you have another one with us, make a request from that one, too.`,
      complain(facts),
    ],
  }),
  'request-withdrawn': (facts) => ({
    subject: `Your request ${facts.reference} is withdrawn`,
    body: [`You took back your request for ${facts.asked}. Nothing more will happen. You can ask again at any time.`],
  }),
  'request-extended': (facts) => ({
    subject: `We need more time for ${facts.reference}`,
    body: [
      `Your request for ${facts.asked} takes us longer than a month. ${facts.reason ?? ''}`.trim(),
      due(facts),
      complain(facts),
    ],
  }),
};

/** Write a notice as plain text. */
export function writeNotice(template: NoticeTemplate, facts: NoticeFacts): { subject: string; text: string } {
  const { subject, body } = writers[template](facts);
  return {
    subject,
    text: `${body.filter((line) => line !== '').join('\n\n')}\n\n${facts.organization}\n${facts.privacyContact}\n`,
  };
}
