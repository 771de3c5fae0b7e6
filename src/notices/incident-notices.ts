/** What the two notices of a breach speak of. Names, dates and codes come in as words; nothing is looked up here. */
export interface IncidentNoticeFacts {
  readonly organization: string;
  /** Lines of the postal address. */
  readonly address: readonly string[];
  readonly contact: { readonly name: string; readonly email: string; readonly phone: string | null };
  readonly reference: string;
  /** "27 November 2026, 01:30 (-08:00)". */
  readonly awareAt: string;
  readonly nature: string;
  readonly consequences: string;
  readonly measures: string;
  readonly advice: string;
  /** About how many; null: not known yet. */
  readonly people: number | null;
  readonly records: number | null;
  /** In words. */
  readonly categories: readonly { readonly category: string; readonly count: number | null }[];
  readonly uncounted: readonly string[];
  /** Why the notice comes after the time allowed, in words; null: it does not, or nobody has said. */
  readonly lateBecause: string | null;
  readonly isLate: boolean;
}

/** Categories of data as somebody outside says them: the letter to people is in plain language (GDPR art. 34(2)). */
const categoryWords: Readonly<Record<string, string>> = {
  'communication.attachment': 'photos and files sent with messages',
  'communication.content': 'what was written in messages',
  'communication.metadata': 'who wrote to whom, and when',
  'communication.subject': 'subjects of conversations',
  'contact.address': 'postal addresses',
  'contact.email': 'e-mail addresses',
  'contact.phone': 'telephone numbers',
  'device.activity': 'when and how the service was used',
  'device.address': 'network addresses',
  'device.agent': 'kinds of device and browser',
  'financial.expense': 'expenses and payments',
  'identity.birth': 'dates of birth',
  'identity.name': 'names',
  'location.region': 'regions',
  'preference.language': 'languages',
};

/** A category of the data map in words; one that is not known here is read as it is written. */
export function categoryInWords(category: string): string {
  return Object.hasOwn(categoryWords, category)
    ? (categoryWords[category] ?? category)
    : category.replaceAll('.', ', ').replaceAll('_', ' ');
}

const toFill = (what: string) => `[Not known yet: ${what}]`;
const said = (text: string, what: string) => (text.trim() === '' ? toFill(what) : text.trim());
const about = (count: number | null, one: string, many: string) =>
  count === null ? toFill(`how many ${many}`) : `about ${count.toLocaleString('en')} ${count === 1 ? one : many}`;
const contactLine = ({ name, email, phone }: IncidentNoticeFacts['contact']) =>
  `${name}, ${email}${phone === null ? '' : `, ${phone}`}`;

/** The notice to the supervisory authority, with what GDPR art. 33(3)(a) to (d) asks for; what is missing says so. */
export function writeAuthorityNotice(facts: IncidentNoticeFacts): string {
  const isPartial = [facts.nature, facts.consequences, facts.measures].some((text) => text.trim() === '');
  return paragraphs([
    `Notification of a personal data breach (GDPR art. 33)\nReference: ${facts.reference}`,
    `Controller: ${[facts.organization, ...facts.address].filter((line, at, all) => all.indexOf(line) === at).join(', ')}`,
    `We became aware of it on ${facts.awareAt}.`,
    facts.isLate
      ? `This notice comes after the 72 hours of art. 33(1), because ${facts.lateBecause ?? toFill('the reasons for the delay')}.`
      : '',
    `1. Nature of the breach (art. 33(3)(a))\n${said(facts.nature, 'what happened to the data')}`,
    `People concerned: ${about(facts.people, 'person', 'people')}.\nRecords concerned: ${about(facts.records, 'record', 'records')}.\n${categoriesIn(facts)}`,
    `2. Contact for more information (art. 33(3)(b))\n${contactLine(facts.contact)}`,
    `3. Likely consequences (art. 33(3)(c))\n${said(facts.consequences, 'what it may mean for people')}`,
    `4. Measures taken or proposed (art. 33(3)(d))\n${said(facts.measures, 'what we did and will do')}`,
    isPartial || facts.people === null || facts.uncounted.length > 0
      ? 'What is not known yet will follow in phases without further delay (art. 33(4)).'
      : '',
  ]);
}

function categoriesIn({ categories, uncounted }: IncidentNoticeFacts): string {
  const lines = categories
    .filter(({ count }) => count !== 0)
    .map(
      ({ category, count }) =>
        `- ${category}: ${count === null ? 'not counted yet' : `about ${count.toLocaleString('en')} ${count === 1 ? 'record' : 'records'}`}`,
    );
  const list = lines.length > 0 ? lines.join('\n') : `- ${toFill('which')}`;
  const rest = uncounted.length === 0 ? '' : `\nNot counted yet: ${uncounted.join(', ')}.`;
  return `Categories of data, by records (a record may hold several):\n${list}${rest}`;
}

/** The letter to the people concerned, in plain words (GDPR art. 34(2)). */
export function writePersonsNotice(facts: IncidentNoticeFacts): string {
  const categories = facts.categories.filter(({ count }) => count !== 0).map(({ category }) => category);
  return paragraphs([
    'About your data',
    `We are writing to you because something happened to data that we keep about you. We noticed it on ${facts.awareAt}.`,
    `What happened\n${said(facts.nature, 'what happened, in plain words')}`,
    categories.length > 0 ? `What kind of data\n${categories.map((category) => `- ${category}`).join('\n')}` : '',
    `What it may mean for you\n${said(facts.consequences, 'what it may mean for people')}`,
    `What we have done and will do\n${said(facts.measures, 'what we did and will do')}`,
    `What you can do\n${said(facts.advice, 'what people can do to protect themselves')}`,
    `If you have a question\n${contactLine(facts.contact)}. Quote ${facts.reference}. You may also complain to your data protection authority.`,
    facts.organization,
  ]);
}

const paragraphs = (parts: readonly string[]) => `${parts.filter((part) => part !== '').join('\n\n')}\n`;
