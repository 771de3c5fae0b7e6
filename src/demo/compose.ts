import { englishMoney, type Language, languages } from './languages.ts';
import { ageOn, type Household, type Person } from './people.ts';
import { createRandom, type Random } from './random.ts';

/** What a thread is about: who speaks, which child, when, and how much. */
export interface Occasion {
  readonly household: Household;
  /** The language it is written in: the family's, or English. */
  readonly language: Language;
  readonly day: Temporal.PlainDate;
  /** Local minutes after midnight at which it starts. */
  readonly minute: number;
  readonly a: Person;
  readonly b: Person;
  readonly child: Person;
  readonly amountCents: number;
}

/** Days that the slots `{weekday}` and `{date}` name, for the calendar. */
export interface NamedDays {
  readonly weekday: Temporal.PlainDate;
  readonly date: Temporal.PlainDate;
  readonly date2: Temporal.PlainDate;
  readonly saturday: Temporal.PlainDate;
  readonly past: Temporal.PlainDate;
}

const english = {
  teachers: [
    'Ms. Alvarez',
    'Mr. Boyd',
    'Mrs. Chen',
    'Ms. Dunne',
    'Mr. Ferrante',
    'Ms. Goldberg',
    'Mr. Hassan',
    'Ms. Ito',
    'Mrs. Kowalski',
    'Mr. Lindh',
    'Ms. Mbeki',
    'Mr. Novak',
  ],
  doctors: [
    'Dr. Patel',
    'Dr. Osei',
    'Dr. Whitcomb',
    'Dr. Lam',
    'Dr. Fernandez',
    'Dr. Steiner',
    'Dr. Kaplan',
    'Dr. Nwosu',
  ],
  schools: [
    'Maplewood',
    'Lincoln Elementary',
    'Roosevelt',
    'Cedar Grove',
    'St. Brigid’s',
    'Harbor View',
    'Oak Street School',
  ],
  friends: [
    'Milo',
    'Aaliyah',
    'Benji',
    'Tessa',
    'Otis',
    'Priya',
    'Gus',
    'Marisol',
    'Wren',
    'Dashiell',
    'Noor',
    'Poppy',
  ],
  strangers: ['Alex', 'Sam', 'Robin', 'Jamie', 'Kris', 'Toni'],
};

/** Choose the days a thread will speak of. */
export function nameDays(random: Random, day: Temporal.PlainDate): NamedDays {
  const date = schoolDay(day.add({ days: random.whole(10, 38) }), 1);
  return {
    weekday: schoolDay(day.add({ days: random.whole(2, 6) }), 1),
    date,
    date2: date.add({ days: random.whole(2, 4) }),
    saturday: date.add({ days: 6 - date.dayOfWeek }),
    past: schoolDay(day.subtract({ days: random.whole(2, 5) }), -1),
  };
}

/** That day, or the nearest Monday to Friday in that direction. */
function schoolDay(day: Temporal.PlainDate, direction: 1 | -1): Temporal.PlainDate {
  return day.dayOfWeek <= 5 ? day : schoolDay(day.add({ days: direction }), direction);
}

/** Everything a slot may stand for in one thread, so that its turns agree with each other. */
export function fillSlots(random: Random, occasion: Occasion, days: NamedDays): Readonly<Record<string, string>> {
  const { household, language, child, minute } = occasion;
  const isEnglish = language.code === 'en';
  const name = (person: Person) => (isEnglish ? person.given.latin : person.given.native);
  const sibling = household.children.find((other) => other.id !== child.id);
  const boy = child.gender === 'm';
  const clock = (minutes: number) => {
    const quarter = Math.min(Math.max(Math.round(minutes / 15), 28), 93) * 15;
    return language.clock(Math.floor(quarter / 60), quarter % 60);
  };
  const date = (day: Temporal.PlainDate) => dateIn(language.locale, day);
  const money = (cents: number) => (isEnglish ? englishMoney(household.language.symbol, cents) : language.money(cents));
  // What stays the same from thread to thread is drawn from streams named after what it belongs to.
  const ofFamily = createRandom(`home/${household.id}/${household.name}`);
  const schoolYear = days.date.subtract({ months: 7 }).year;
  const ofYear = createRandom(`year/${child.id}/${child.name}/${schoolYear}`);
  const ofChild = createRandom(`child/${child.id}/${child.name}`);
  const activity = ofChild.pick(language.activities);
  return {
    child: name(child),
    child2: sibling ? name(sibling) : name(child),
    A: name(occasion.a),
    B: name(occasion.b),
    he: boy ? 'he' : 'she',
    He: boy ? 'He' : 'She',
    his: boy ? 'his' : 'her',
    His: boy ? 'His' : 'Her',
    him: boy ? 'him' : 'her',
    himself: boy ? 'himself' : 'herself',
    time: clock(random.whole(15 * 4, 18 * 4) * 15),
    morning: clock(random.whole(8 * 4, 11 * 4) * 15),
    soon: clock(minute + 40),
    ago: clock(minute - 50),
    minutes: String(random.pick([10, 15, 15, 20, 20, 25, 30])),
    weekday: language.weekdays[days.weekday.dayOfWeek - 1] ?? '',
    past: language.weekdays[days.past.dayOfWeek - 1] ?? '',
    date: date(days.date),
    date2: date(days.date2),
    saturday: date(days.saturday),
    amount: money(occasion.amountCents),
    half: money(occasion.amountCents / 2),
    activity,
    school: ofFamily.pick(english.schools),
    doctor: ofFamily.pick(english.doctors),
    teacher: ofYear.pick(english.teachers),
    friend: ofYear.pick(english.friends.filter((friend) => friend !== child.given.latin)),
    stranger: random.pick(english.strangers),
    back1: date(days.past),
    back2: date(days.past.subtract({ days: 14 })),
    back3: date(days.past.subtract({ days: 28 })),
    back4: date(days.past.subtract({ days: 49 })),
  };
}

const formats = new Map<string, Intl.DateTimeFormat>();

function dateIn(locale: string, day: Temporal.PlainDate): string {
  const known = formats.get(locale);
  const format = known ?? new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'long', timeZone: 'UTC' });
  if (!known) formats.set(locale, format);
  return format.format(day.toZonedDateTime('UTC').epochMilliseconds);
}

const slotSyntax = /\{(\w+)(?::([^/{}]*)\/([^{}]*))?\}/g;

/**
 * What somebody types: the slots filled, gendered forms chosen, thumbs in their own skin tone, and English in their
 * own manner.
 * @throws RangeError on a slot that nothing fills: a mistake in a dialogue
 */
export function say(
  text: string,
  slots: Readonly<Record<string, string>>,
  speaker: Person,
  occasion: Occasion,
): string {
  const genders: Readonly<Record<string, 'f' | 'm'>> = {
    A: occasion.a.gender,
    B: occasion.b.gender,
    C: occasion.child.gender,
    K: occasion.child.gender,
  };
  const expressive: Readonly<Record<string, string>> = {
    thumbs: '👍',
    pray: '🙏',
    shrug: speaker.gender === 'f' ? '🤷\u200d♀️' : '🤷\u200d♂️',
  };
  const filled = text.replaceAll(slotSyntax, (whole, slot: string, masculine?: string, feminine?: string) => {
    if (masculine !== undefined) return (genders[slot] === 'f' ? feminine : masculine) ?? '';
    const value = expressive[slot] ?? slots[slot];
    if (value === undefined) throw new RangeError(`nothing fills ${whole} in: ${text}`);
    return value;
  });
  const toned = filled.replaceAll(/([👍🙏🤷])(?![\u{1f3fb}-\u{1f3ff}])/gu, `$1${speaker.tone}`);
  return occasion.language === languages.en ? inVoice(toned, speaker) : toned;
}

function inVoice(text: string, speaker: Person): string {
  if (speaker.role !== 'parent' || speaker.voice === 'careful') return text;
  const loose = text.replace(/(?<!\.)\.$/, '').replaceAll('’', "'");
  return speaker.voice === 'loose' ? loose : loose.toLowerCase();
}

/** Whether the child's age on that day is within the dialogue's ages; without ages, from three on. */
export function fitsAge(child: Person, day: Temporal.PlainDate, ages: readonly [number, number] | undefined): boolean {
  if (child.bornOn === null) return false;
  const age = ageOn(child.bornOn, day);
  const [youngest, oldest] = ages ?? [2, 17];
  return age >= youngest && age <= oldest;
}

/** Whether a birthday is two to six weeks away: when parties are planned. */
export function birthdayNears(child: Person, day: Temporal.PlainDate): boolean {
  if (child.bornOn === null) return false;
  const thisYear = child.bornOn.with({ year: day.year });
  const next = Temporal.PlainDate.compare(thisYear, day) < 0 ? child.bornOn.with({ year: day.year + 1 }) : thisYear;
  const { days } = day.until(next, { largestUnit: 'days' });
  return days >= 14 && days <= 42;
}
