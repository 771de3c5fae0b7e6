/** What the letters to a custodian speak of. */
export interface CustodianNoticeFacts {
  readonly organization: string;
  readonly contact: { readonly name: string; readonly email: string; readonly phone: string | null };
  readonly name: string;
  readonly matter: string;
  /** Of the matter: `M-7K4M-2QD9`. */
  readonly reference: string;
  /** In the words of whoever asked; null: none. */
  readonly instructions: string | null;
  /** Where it is acknowledged, once; '' in a letter that asks for nothing. */
  readonly url: string;
  /** "25 February 2027". */
  readonly until: string;
}

type Writer = (facts: CustodianNoticeFacts) => { subject: string; body: readonly string[] };

const keep = ({ instructions }: CustodianNoticeFacts) => [
  'Do not delete, change or throw away anything you have about it: messages, documents, notes, files on your devices and in other services. Switch off whatever deletes by itself. What you keep stays where it is; you need not collect or send anything.',
  instructions === null ? '' : `What this is about in particular:\n${instructions}`,
];
const confirm = ({ url, until }: CustodianNoticeFacts) => [
  `Please confirm that you have read this and will keep what you have. The link works once, until ${until}, and asks for no account:`,
  url,
];
const ask = ({ contact, reference }: CustodianNoticeFacts) =>
  `Questions? ${contact.name}, ${contact.email}${contact.phone === null ? '' : `, ${contact.phone}`}. Quote ${reference}. Please talk to nobody else about the matter.`;

const writers = {
  'custodian-asked': (facts) => ({
    subject: `Please keep what you have: ${facts.reference}`,
    body: [
      `${facts.name},`,
      `${facts.organization} has to keep what concerns the matter "${facts.matter}" (${facts.reference}), and you may have some of it.`,
      ...keep(facts),
      ...confirm(facts),
      'This holds until we tell you that it is over.',
      ask(facts),
    ],
  }),
  'custodian-reminded': (facts) => ({
    subject: `Reminder: please confirm that you keep what you have: ${facts.reference}`,
    body: [
      `${facts.name},`,
      `We asked you to keep what you have about the matter "${facts.matter}" (${facts.reference}), and have not heard from you yet. It holds whether you confirm it or not.`,
      ...keep(facts),
      ...confirm(facts),
      ask(facts),
    ],
  }),
  'custodian-released': (facts) => ({
    subject: `You need no longer keep it: ${facts.reference}`,
    body: [
      `${facts.name},`,
      `We had asked you to keep what you have about the matter "${facts.matter}" (${facts.reference}). That is over: for this hold you need not keep anything any more. If we asked you to keep something for another one, that goes on.`,
      ask(facts),
    ],
  }),
} satisfies Record<string, Writer>;

/** Write a letter to a custodian as plain text. */
export function writeCustodianNotice(
  letter: keyof typeof writers,
  facts: CustodianNoticeFacts,
): { subject: string; text: string } {
  const { subject, body } = writers[letter](facts);
  return { subject, text: `${body.filter((line) => line !== '').join('\n\n')}\n\n${facts.organization}\n` };
}
