import { birthdayNears, fillSlots, fitsAge, nameDays, type Occasion, say } from './compose.ts';
import { type AttachmentKind, type Dialogue, parseTurn, type Topic, type Turn } from './dialogues/dialogue.ts';
import { reyesStory, type Scene } from './dialogues/reyes.ts';
import { type Language, languages, type ThreadKind } from './languages.ts';
import type { Household, Person } from './people.ts';
import { createRandom, type Random } from './random.ts';

/** One conversation of a family, with everybody who takes part. */
interface Conversation {
  readonly id: number;
  readonly familyId: number;
  readonly kind: ThreadKind;
  readonly subject: string;
  readonly members: readonly Person[];
  readonly createdAt: number;
}

/** A message before it has its number. Times are milliseconds since 1970 in UTC. */
export interface Message {
  /** Given in the order of sending, over all families, when everything is written; 0 until then. */
  id: number;
  readonly conversationId: number;
  readonly sender: Person;
  readonly readers: readonly Person[];
  readonly sentAt: number;
  /** Microseconds within the millisecond: real columns have them, and drivers like to lose them. */
  readonly micros: number;
  readonly body: string;
  editedAt: number | null;
  readonly replyTo: Message | null;
  readonly attachment: Enclosure | null;
  readonly reactions: readonly { readonly person: Person; readonly emoji: string; readonly at: number }[];
}

/** What stands in an attached file. */
export interface Enclosure {
  readonly kind: AttachmentKind;
  readonly fileName: string;
  readonly title: string;
  readonly lines: readonly string[];
}

interface CalendarEntry {
  readonly familyId: number;
  readonly createdBy: Person;
  readonly title: string;
  readonly startsAt: number;
  readonly endsAt: number;
  readonly createdAt: number;
}

interface Expense {
  readonly familyId: number;
  readonly paidBy: Person;
  readonly sharedWith: Person;
  readonly spentOn: Temporal.PlainDate;
  readonly category: string;
  readonly description: string;
  readonly amountCents: number;
  readonly currency: string;
  readonly settledAt: number | null;
  readonly createdAt: number;
}

/** Everything one family leaves behind. */
export interface FamilyRecord {
  readonly household: Household;
  readonly createdAt: number;
  readonly conversations: readonly Conversation[];
  readonly messages: readonly Message[];
  readonly calendar: readonly CalendarEntry[];
  readonly expenses: readonly Expense[];
}

export interface FamilySpan {
  readonly from: Temporal.PlainDate;
  readonly to: Temporal.PlainDate;
}

const minuteMs = 60_000;
const dayMs = 86_400_000;

const threadOf: Readonly<Record<Topic, ThreadKind>> = {
  pickup: 'schedule',
  schedule: 'schedule',
  holidays: 'schedule',
  school: 'school',
  health: 'school',
  money: 'money',
  everyday: 'general',
  tension: 'general',
  coordinator: 'coordinator',
  kids: 'kids',
};

const hoursOf = {
  morning: [7 * 60, 10 * 60 + 30],
  afternoon: [14 * 60 + 30, 18 * 60],
  evening: [19 * 60, 21 * 60 + 40],
} as const;

/** How many in a hundred threads a family writes in its own language; the rest is English. */
const ownLanguagePercent = 65;
/** Nobody has the same talk again within so many days; when a language has nothing new to say, English has. */
const daysBeforeAgain = 200;

const turnsOf = new WeakMap<Dialogue, readonly Turn[]>();

function readTurns(dialogue: Dialogue): readonly Turn[] {
  const known = turnsOf.get(dialogue);
  if (known) return known;
  const turns = dialogue.turns.map(parseTurn);
  turnsOf.set(dialogue, turns);
  return turns;
}

/**
 * Write one family's life with Kinfolk: exactly `quota` messages, evenly over its span.
 * @param today the first day (UTC) on which nothing has happened yet
 * @param firstConversationId ids are given from here on
 */
export function writeFamily(
  seed: string,
  household: Household,
  span: FamilySpan,
  today: Temporal.PlainDate,
  quota: number,
  firstConversationId: number,
): FamilyRecord {
  return new FamilyWriter(seed, household, span, today, firstConversationId).write(quota);
}

interface Choice {
  readonly dialogue: Dialogue;
  readonly child: Person;
  readonly language: Language;
}

class FamilyWriter {
  readonly #random: Random;
  readonly #household: Household;
  readonly #span: FamilySpan;
  readonly #today: Temporal.PlainDate;
  /** Nothing is dated at or after this. */
  readonly #limit: number;
  readonly #createdAt: number;
  readonly #conversations: readonly Conversation[];
  readonly #messages: Message[] = [];
  readonly #calendar: CalendarEntry[] = [];
  readonly #expenses: Expense[] = [];
  readonly #decks = new Map<Language, Dialogue[]>();
  readonly #lastPlayed = new Map<Dialogue, Temporal.PlainDate>();

  constructor(
    seed: string,
    household: Household,
    span: FamilySpan,
    today: Temporal.PlainDate,
    firstConversation: number,
  ) {
    this.#random = createRandom(`${seed}/family/${household.id}`);
    this.#household = household;
    this.#span = span;
    this.#today = today;
    this.#limit = today.toZonedDateTime('UTC').epochMilliseconds;
    this.#createdAt = span.from.toZonedDateTime('UTC').epochMilliseconds - this.#random.whole(2, 9) * dayMs;
    this.#conversations = this.#openConversations(firstConversation);
  }

  write(quota: number): FamilyRecord {
    const story = this.#household.id === 1 ? reyesStory : [];
    for (const scene of story) this.#playScene(scene);
    const written = this.#messages.length;
    if (written > quota)
      throw new RangeError(`the first family's story has ${written} messages; allow it more than ${quota}`);
    while (this.#messages.length < quota) this.#writeThread(this.#messages.length - written, quota - written);
    this.#fillCalendar();
    return {
      household: this.#household,
      createdAt: this.#createdAt,
      conversations: this.#conversations,
      messages: this.#messages,
      calendar: this.#calendar,
      expenses: this.#expenses,
    };
  }

  #openConversations(firstId: number): readonly Conversation[] {
    const { parents, children, coordinator, language } = this.#household;
    const teens = children.filter((child) => child.email !== null);
    const kinds: readonly [ThreadKind, readonly Person[]][] = [
      ['schedule', parents],
      ['money', parents],
      ['school', parents],
      ['general', parents],
      ...(coordinator ? [['coordinator', [...parents, coordinator]] satisfies [ThreadKind, Person[]]] : []),
      ...(teens.length > 0 ? [['kids', [...parents, ...teens]] satisfies [ThreadKind, Person[]]] : []),
    ];
    return kinds.map(([kind, members], i) => ({
      id: firstId + i,
      familyId: this.#household.id,
      kind,
      subject: language.subjects[kind],
      members,
      createdAt: this.#createdAt + (i + 1) * 7 * minuteMs,
    }));
  }

  #playScene(scene: Scene): void {
    const day = backToWeekday(this.#today.subtract({ days: scene.daysAgo }), scene.weekday);
    const at = Temporal.PlainTime.from(scene.at);
    const [a, b] = this.#household.parents;
    const isKids = scene.dialogue.topic === 'kids';
    const child = this.#household.children.find((one) => !isKids || one.email !== null);
    if (!child) throw new RangeError('a story needs its child');
    const dollars = scene.dialogue.expense?.dollars[0] ?? 0;
    const messages = this.#play(scene.dialogue, {
      household: this.#household,
      language: languages.en,
      day,
      minute: at.hour * 60 + at.minute,
      a,
      b,
      child,
      amountCents: dollars * 100,
    });
    const edited = scene.edited && messages[scene.edited.turn];
    if (scene.edited && edited) edited.editedAt = edited.sentAt + scene.edited.afterMinutes * minuteMs;
  }

  /** One thread, where the family's span has got to. */
  #writeThread(written: number, quota: number): void {
    const random = this.#random;
    const { language: own, parents } = this.#household;
    const days = Math.max(1, this.#span.from.until(this.#span.to, { largestUnit: 'days' }).days) + 1;
    const reached = Math.min(Math.max((written + random.next() * 5 - 1) / quota, 0), 0.9999);
    const roughly = this.#span.from.add({ days: Math.floor(reached * days) });
    const language = own !== languages.en && random.chance(ownLanguagePercent / 100) ? own : languages.en;
    const chosen = this.#choose(language, roughly, quota - written);
    const { dialogue, child } = chosen;
    const day = clampDay(nearestDay(roughly, dialogue.days), this.#span);
    const [earliest, latest] = dialogue.at ? hoursOf[dialogue.at] : ([9 * 60, 20 * 60 + 30] as const);
    const first = parents.find((parent) => parent.gender === dialogue.starts) ?? random.pick(parents);
    const other = parents[0] === first ? parents[1] : parents[0];
    this.#play(dialogue, {
      household: this.#household,
      language: chosen.language,
      day,
      minute: random.whole(earliest, latest),
      a: first,
      b: other,
      child,
      amountCents: this.#amount(dialogue),
    });
  }

  /** The dialogue this family has not had for longest among those that fit the day, the child and what is left. */
  #choose(language: Language, day: Temporal.PlainDate, left: number): Choice {
    const found =
      this.#chooseFrom(language, day, left, daysBeforeAgain) ??
      this.#chooseFrom(languages.en, day, left, daysBeforeAgain) ??
      this.#chooseFrom(languages.en, day, left, 0);
    if (found) return found;
    // Whatever the day and the age: one line in English always fits.
    const [child] = this.#household.children;
    if (!child) throw new RangeError('a family needs a child');
    return { dialogue: this.#random.pick(closingLines), child, language: languages.en };
  }

  #chooseFrom(language: Language, day: Temporal.PlainDate, left: number, daysSince: number): Choice | null {
    const deck = this.#deck(language);
    const children = this.#random.shuffled(this.#household.children);
    for (const [place, dialogue] of deck.entries()) {
      const after = left - dialogue.turns.length;
      // Hardly a dialogue is shorter than three turns: one or two messages left over could not be written.
      if (after < 0 || after === 1 || after === 2 || !this.#fits(dialogue, day)) continue;
      const last = this.#lastPlayed.get(dialogue);
      if (last && last.until(day, { largestUnit: 'days' }).days < daysSince) continue;
      const isKids = dialogue.topic === 'kids';
      const ages = isKids ? ([11, 17] as const) : dialogue.ages;
      const child = children.find(
        (one) =>
          fitsAge(one, day, ages) && (!isKids || one.email !== null) && (!dialogue.birthday || birthdayNears(one, day)),
      );
      if (!child) continue;
      deck.splice(place, 1);
      this.#lastPlayed.set(dialogue, day);
      // Back in near the end, not at it, so that the order changes from round to round.
      if (!dialogue.once) deck.splice(deck.length - this.#random.whole(0, Math.floor(deck.length / 5)), 0, dialogue);
      return { dialogue, child, language };
    }
    return null;
  }

  #deck(language: Language): Dialogue[] {
    const known = this.#decks.get(language);
    if (known) return known;
    // The family with a written story has its great events there already.
    const written = this.#household.id === 1;
    const deck = this.#random.shuffled(language.dialogues.filter((dialogue) => !(written && dialogue.once)));
    this.#decks.set(language, deck);
    return deck;
  }

  #fits(dialogue: Dialogue, day: Temporal.PlainDate): boolean {
    const { children, coordinator, parents, home } = this.#household;
    if (dialogue.months && !dialogue.months.includes(day.month)) return false;
    if (dialogue.siblings && children.length < 2) return false;
    if (dialogue.topic === 'coordinator' && !coordinator) return false;
    if (dialogue.us && !home.jurisdiction.startsWith('US-')) return false;
    return dialogue.starts === undefined || parents.some((parent) => parent.gender === dialogue.starts);
  }

  #amount(dialogue: Dialogue): number {
    if (!dialogue.expense) return 0;
    const [least, most] = dialogue.expense.dollars;
    const { perDollar, stepCents } = this.#household.language;
    // Often a round price, otherwise one with cents; both halve without a remainder.
    const dollars = this.#random.chance(0.5)
      ? this.#random.whole(least, most)
      : least + this.#random.next() * (most - least);
    return Math.round((dollars * perDollar * 100) / stepCents) * stepCents;
  }

  #play(dialogue: Dialogue, occasion: Occasion): readonly Message[] {
    const random = this.#random;
    const turns = readTurns(dialogue);
    const named = nameDays(random, occasion.day);
    const slots = fillSlots(random, occasion, named);
    const times = this.#times(turns, occasion);
    const conversation = this.#conversationFor(dialogue.topic);
    const messages: Message[] = [];
    for (const [i, turn] of turns.entries()) {
      const sentAt = times[i] ?? this.#createdAt;
      const sender = this.#speaker(turn, occasion);
      const previous = messages[i - 1];
      const isReply = previous !== undefined && previous.sender !== sender;
      const waited = previous ? sentAt - previous.sentAt : 0;
      const body = say(random.pick(turn.ways), slots, sender, occasion);
      const readers = conversation.members.filter((member) => member !== sender);
      messages.push({
        id: 0,
        conversationId: conversation.id,
        sender,
        readers,
        sentAt,
        micros: random.whole(0, 999),
        body,
        editedAt: this.#edited(body, sentAt),
        // People quote what they answer mostly when it was a while ago.
        replyTo: isReply && random.chance(waited > 60 * minuteMs ? 0.4 : 0.06) ? previous : null,
        attachment: dialogue.attach?.turn === i ? enclose(dialogue.attach, occasion, slots, sender) : null,
        reactions: this.#react(readers, sentAt),
      });
    }
    this.#messages.push(...messages);
    this.#record(dialogue, occasion, named, messages);
    return messages;
  }

  /** When each turn is sent: nobody writes at three in the morning, and nothing is sent in the future. */
  #times(turns: readonly Turn[], occasion: Occasion): readonly number[] {
    const random = this.#random;
    const zone = occasion.household.home.timeZone;
    const start = occasion.day.toZonedDateTime({
      timeZone: zone,
      plainTime: { hour: Math.floor(occasion.minute / 60), minute: occasion.minute % 60, second: random.whole(0, 59) },
    });
    const offset = start.offsetNanoseconds / 1e6;
    let now = start.epochMilliseconds + random.whole(0, 999);
    const times = turns.map((turn, i) => {
      if (i > 0) now += wait(random, turn) * minuteMs + random.whole(0, 59_999);
      const minuteOfDay = Math.floor(((((now + offset) % dayMs) + dayMs) % dayMs) / minuteMs);
      if (minuteOfDay < 6 * 60) now += (6 * 60 + 20 + random.whole(0, 90) - minuteOfDay) * minuteMs;
      return now;
    });
    const late = Math.max(0, Math.ceil((now - this.#limit + 1) / dayMs));
    return times.map((time) => time - late * dayMs);
  }

  #conversationFor(topic: Topic): Conversation {
    const kind = threadOf[topic];
    const found = this.#conversations.find((conversation) => conversation.kind === kind) ?? this.#conversations[0];
    if (!found) throw new RangeError('a family has a conversation');
    return found;
  }

  #speaker(turn: Turn, { a, b, child, household }: Occasion): Person {
    if (turn.speaker === 'A') return a;
    if (turn.speaker === 'B') return b;
    if (turn.speaker === 'K') return child;
    if (!household.coordinator) throw new RangeError('this family has no coordinator to speak');
    return household.coordinator;
  }

  #edited(body: string, sentAt: number): number | null {
    if (body.length < 40 || !this.#random.chance(0.015)) return null;
    const at = sentAt + this.#random.whole(30, 480) * 1000;
    return at < this.#limit ? at : null;
  }

  #react(readers: readonly Person[], sentAt: number): Message['reactions'] {
    if (!this.#random.chance(0.06)) return [];
    const person = this.#random.pick(readers);
    const at = sentAt + this.#random.whole(20, 5400) * 1000;
    const emoji = this.#random.pick([
      `👍${person.tone}`,
      '❤️',
      '❤️',
      '😂',
      `🙏${person.tone}`,
      '😮',
      `👏${person.tone}`,
      '😢',
    ]);
    return at < this.#limit ? [{ person, emoji, at }] : [];
  }

  /** What a dialogue leaves behind besides its words. */
  #record(
    dialogue: Dialogue,
    occasion: Occasion,
    named: ReturnType<typeof nameDays>,
    messages: readonly Message[],
  ): void {
    const [first] = messages;
    const last = messages.at(-1);
    if (!first || !last) return;
    if (dialogue.expense) {
      this.#expenses.push({
        familyId: this.#household.id,
        paidBy: first.sender,
        sharedWith: occasion.a === first.sender ? occasion.b : occasion.a,
        spentOn: occasion.day.subtract({ days: this.#random.whole(0, 3) }),
        category: dialogue.expense.category,
        description: dialogue.expense.description,
        amountCents: occasion.amountCents,
        currency: this.#household.language.currency,
        settledAt: dialogue.expense.settled ? last.sentAt : null,
        createdAt: first.sentAt,
      });
    }
    if (dialogue.event) {
      const hour = dialogue.event.hours > 12 ? 9 : 17;
      const startsAt = this.#at(named[dialogue.event.on], hour);
      this.#calendar.push({
        familyId: this.#household.id,
        createdBy: first.sender,
        title: dialogue.event.title,
        startsAt,
        endsAt: startsAt + dialogue.event.hours * 60 * minuteMs,
        createdAt: last.sentAt,
      });
    }
  }

  /** Exchanges every other Friday around today, and the birthdays of every year. */
  #fillCalendar(): void {
    const { language, parents, children } = this.#household;
    const [first] = parents;
    const firstFriday = backToWeekday(this.#span.to.subtract({ days: 84 + this.#random.whole(0, 13) }), 5);
    const seldom = this.#limit - 60 * dayMs;
    for (let i = 0; i < 9; i++) {
      const startsAt = this.#at(firstFriday.add({ days: i * 14 }), 17);
      const createdAt = Math.max(this.#createdAt, Math.min(startsAt - 40 * dayMs, seldom));
      this.#calendar.push({
        familyId: this.#household.id,
        createdBy: first,
        title: language.exchange,
        startsAt,
        endsAt: startsAt + 30 * minuteMs,
        createdAt,
      });
    }
    for (const child of children) {
      if (child.bornOn === null) continue;
      for (let year = this.#span.from.year; year <= this.#today.year; year++) {
        const day = child.bornOn.with({ year });
        if (Temporal.PlainDate.compare(day, this.#span.from) < 0) continue;
        const startsAt = this.#at(day, 0);
        this.#calendar.push({
          familyId: this.#household.id,
          createdBy: this.#random.pick(parents),
          title: language.birthday(child.given.native),
          startsAt,
          endsAt: startsAt + dayMs,
          createdAt: this.#createdAt + this.#random.whole(1, 30) * minuteMs,
        });
      }
    }
  }

  #at(day: Temporal.PlainDate, hour: number): number {
    return day.toZonedDateTime({ timeZone: this.#household.home.timeZone, plainTime: { hour } }).epochMilliseconds;
  }
}

const closingLines: readonly Dialogue[] = languages.en.dialogues.filter(
  (dialogue) => dialogue.turns.length === 1 && dialogue.ages === undefined,
);

function wait(random: Random, turn: Turn): number {
  if (turn.waitMinutes !== null) return turn.waitMinutes;
  const speed = random.next();
  if (speed < 0.55) return random.whole(1, 4);
  return speed < 0.88 ? random.whole(4, 18) : random.whole(18, 75);
}

function enclose(
  attach: NonNullable<Dialogue['attach']>,
  occasion: Occasion,
  slots: Readonly<Record<string, string>>,
  sender: Person,
): Enclosure {
  const { a, child, household, day, amountCents } = occasion;
  const stem = attach.name.slice(0, attach.name.lastIndexOf('.'));
  const latinAmount = `${(amountCents / 100).toFixed(2)} ${household.language.currency}`;
  const lines: Readonly<Record<AttachmentKind, readonly string[]>> = {
    receipt: [
      `Date: ${day.toString()}`,
      `Patient: ${child.given.latin}`,
      `Paid by: ${a.given.latin}`,
      `Amount: ${latinAmount}`,
      'Thank you. Keep this receipt for your records.',
    ],
    letter: [
      `Date: ${day.toString()}`,
      `Pupil: ${child.given.latin}`,
      `Please sign and return by ${slots.weekday ?? 'Friday'}.`,
      'Parent or guardian: ______________________',
    ],
    note: (attach.lines ?? []).map((line) => say(line, slots, sender, occasion)),
    drawing: [],
  };
  return { kind: attach.kind, fileName: attach.name, title: stem.replaceAll('-', ' '), lines: lines[attach.kind] };
}

function backToWeekday(day: Temporal.PlainDate, weekday: number | undefined): Temporal.PlainDate {
  return weekday === undefined ? day : day.subtract({ days: (day.dayOfWeek - weekday + 7) % 7 });
}

function nearestDay(day: Temporal.PlainDate, days: Dialogue['days']): Temporal.PlainDate {
  const weekend = day.dayOfWeek > 5;
  if (days === undefined || (days !== 'sunday' && weekend === (days === 'weekend'))) return day;
  if (days === 'sunday') return day.add({ days: 7 - day.dayOfWeek });
  if (days === 'weekday') return day.add({ days: 8 - day.dayOfWeek });
  return day.add({ days: 6 - day.dayOfWeek });
}

function clampDay(day: Temporal.PlainDate, span: FamilySpan): Temporal.PlainDate {
  if (Temporal.PlainDate.compare(day, span.from) < 0) return span.from;
  return Temporal.PlainDate.compare(day, span.to) > 0 ? span.to : day;
}
