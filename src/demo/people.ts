import { type CastFamily, type CastMember, castFamilies, demoPeople } from './demo-people.ts';
import { type Home, type Language, type LanguageCode, languageCodes, languages } from './languages.ts';
import { type Name, namePools, wholeName } from './names.ts';
import { createRandom, type Random } from './random.ts';

export interface Person {
  readonly id: number;
  readonly familyId: number | null;
  readonly given: Name;
  readonly name: string;
  readonly gender: 'f' | 'm';
  readonly role: 'parent' | 'child' | 'professional';
  readonly locale: string;
  readonly email: string | null;
  readonly phone: string | null;
  readonly bornOn: Temporal.PlainDate | null;
  /** An emoji skin-tone modifier, or nothing for the yellow ones. */
  readonly tone: string;
  /** How they type English: with care, without the last full stop, or all in lower case. */
  readonly voice: 'careful' | 'loose' | 'lower';
  /** At home and on the move, from the ranges reserved for documentation (RFC 5737, RFC 3849). */
  readonly addresses: readonly [string, string];
  readonly userAgent: string;
}

export interface Household {
  readonly id: number;
  readonly name: string;
  readonly language: Language;
  readonly home: Home;
  readonly parents: readonly [Person, Person];
  readonly children: readonly Person[];
  readonly coordinator: Person | null;
}

/** Everybody who uses Kinfolk. */
export interface Population {
  readonly households: readonly Household[];
  readonly professionals: readonly Person[];
}

const coordinators = [
  'Ingrid Halvorsen f',
  'Desmond Achebe m',
  'Paula Lindgren f',
  'Ruth Abelson f',
  'Manuel Ocampo m',
  'Joy Castellanos f',
  'Harriet Bloom f',
  'Vikram Desai m',
  'Anneliese Roth f',
  'Samir Haidari m',
  'Colette Dufour f',
  'Walter Nygaard m',
];

const userAgents = [
  'Kinfolk/5.2 (iPhone; iOS 18.4)',
  'Kinfolk/5.1 (iPhone; iOS 17.6)',
  'Kinfolk/5.2 (Android 15; Pixel 8)',
  'Kinfolk/5.0 (Android 14; SM-A546B)',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/139.0',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) Safari/605.1.15',
];

const skinTones = ['', '', '\u{1f3fb}', '\u{1f3fc}', '\u{1f3fd}', '\u{1f3fe}', '\u{1f3ff}'];
const areaCodes = [206, 213, 303, 312, 404, 415, 512, 602, 614, 617, 619, 702, 713, 718, 786, 804, 901, 919, 971, 985];

/**
 * Draw everybody: the cast first, under fixed ids, then families by the languages' shares.
 * @param today children's ages are those of this day
 */
export function createPopulation(seed: string, today: Temporal.PlainDate, families: number): Population {
  const registry = new Registry(seed, today);
  const castings = castFamilies.slice(0, families);
  const [first, ...others] = castings;
  if (first === undefined) throw new RangeError('Kinfolk needs one family at least');

  // The Reyes family's ids come before everybody's, then the professionals', so that the guided tour can name them.
  registry.reserve(first.parents.length + first.children.length);
  const professionals = coordinators.map((text) => registry.professional(text));
  registry.restart();
  const reyes = registry.castHousehold(1, first, professionals);
  registry.skip(professionals.length);
  const cast = others.map((family, i) => registry.castHousehold(i + 2, family, professionals));
  const languagesOfOthers = languageSequence(createRandom(`${seed}/languages`), families - castings.length);
  const drawn = languagesOfOthers.map((code, i) => registry.household(castings.length + i + 1, code, professionals));
  return { households: [reyes, ...cast, ...drawn], professionals };
}

/** Every language once, as long as there is room, and then by share, in no particular order. */
function languageSequence(random: Random, count: number): LanguageCode[] {
  // One entry per half a family in a hundred: the shares are whole multiples of that.
  const wheel = languageCodes.flatMap((code) => Array.from({ length: languages[code].share * 2 }, () => code));
  const byShare = () => random.pick(wheel);
  const rest = Array.from({ length: Math.max(0, count - languageCodes.length) }, byShare);
  return random.shuffled([...languageCodes.slice(0, count), ...rest]);
}

interface KnownOfPerson extends Pick<Person, 'familyId' | 'given' | 'gender' | 'role' | 'locale' | 'phone' | 'bornOn'> {
  readonly name: Name;
  readonly email?: string | null | undefined;
}

/** Hands out ids, addresses and numbers, none of them twice. */
class Registry {
  readonly #seed: string;
  readonly #today: Temporal.PlainDate;
  #lastId = 0;
  // The cast keeps its plain addresses and numbers, whoever else is called the same.
  readonly #emails = new Set<string>(Object.values(demoPeople).flatMap((person) => person.email ?? []));
  readonly #phones = new Set<string>(Object.values(demoPeople).flatMap((person) => person.phone ?? []));

  constructor(seed: string, today: Temporal.PlainDate) {
    this.#seed = seed;
    this.#today = today;
  }

  reserve(count: number): void {
    this.#lastId = count;
  }

  restart(): void {
    this.#lastId = 0;
  }

  skip(count: number): void {
    this.#lastId += count;
  }

  professional(text: string): Person {
    const [given = '', family = '', gender] = text.split(' ');
    const random = createRandom(`${this.#seed}/professional/${text}`);
    const demo = `${given} ${family}` === demoPeople.ingrid.name ? demoPeople.ingrid : undefined;
    return this.#person(random, {
      familyId: null,
      given: { native: given, latin: given },
      name: { native: `${given} ${family}`, latin: `${given} ${family}` },
      gender: gender === 'f' ? 'f' : 'm',
      role: 'professional',
      locale: 'en-US',
      email: demo?.email,
      phone: demo?.phone ?? this.#phone(random),
      bornOn: null,
    });
  }

  castHousehold(id: number, cast: CastFamily, professionals: readonly Person[]): Household {
    const random = createRandom(`${this.#seed}/household/${id}`);
    const language = languages[cast.language];
    const person = (member: CastMember, role: 'parent' | 'child'): Person => {
      const given = readName(member.given);
      return this.#person(random, {
        familyId: id,
        given,
        name: wholeName(namePools[cast.language], given, readName(member.family)),
        gender: member.gender,
        role,
        locale: language.locale,
        email: member.demo?.email,
        phone: member.demo?.phone ?? null,
        bornOn: member.age === undefined ? null : this.#birthday(random, member.age),
      });
    };
    const [first, second] = cast.parents;
    return {
      id,
      name: cast.name,
      language,
      home: { jurisdiction: cast.jurisdiction, timeZone: cast.timeZone },
      parents: [person(first, 'parent'), person(second, 'parent')],
      children: cast.children.map((child) => person(child, 'child')),
      coordinator: cast.coordinator ? (professionals[id - 1] ?? null) : null,
    };
  }

  household(id: number, code: LanguageCode, professionals: readonly Person[]): Household {
    const random = createRandom(`${this.#seed}/household/${id}`);
    const language = languages[code];
    const pool = namePools[code];
    const [familyA, familyB] = [random.pick(pool.families), random.pick(pool.families)];
    const firstGender = random.chance(0.5) ? 'f' : 'm';
    const secondGender = random.chance(0.06) ? firstGender : firstGender === 'f' ? 'm' : 'f';
    const taken = new Set<string>();
    const given = (names: readonly Name[]): Name => {
      const chosen = random.shuffled(names).find((name) => !taken.has(name.native)) ?? random.pick(names);
      taken.add(chosen.native);
      return chosen;
    };
    const adult = (gender: 'f' | 'm', family: Name): Person => {
      const name = given(gender === 'f' ? pool.women : pool.men);
      return this.#person(random, {
        familyId: id,
        given: name,
        name: wholeName(pool, name, family),
        gender,
        role: 'parent',
        locale: language.locale,
        phone: this.#phone(random),
        bornOn: null,
      });
    };
    const parents: readonly [Person, Person] = [adult(firstGender, familyA), adult(secondGender, familyB)];
    const childrenCount = random.pick([1, 1, 2, 2, 2, 3]);
    const children = Array.from({ length: childrenCount }, () => {
      const gender = random.chance(0.5) ? 'f' : 'm';
      const name = given(gender === 'f' ? pool.girls : pool.boys);
      return this.#person(random, {
        familyId: id,
        given: name,
        name: wholeName(pool, name, familyA),
        gender,
        role: 'child',
        locale: language.locale,
        phone: null,
        bornOn: this.#birthday(random, random.whole(6, 16)),
      });
    });
    return {
      id,
      name: familyA.native === familyB.native ? familyA.native : `${familyA.native}–${familyB.native}`,
      language,
      home: random.pick(language.homes),
      parents,
      children,
      coordinator: random.chance(0.16) ? random.pick(professionals) : null,
    };
  }

  /** `known.email`: the address of somebody who has a fixed one (null: none); undefined: made from the name. */
  #person(random: Random, known: KnownOfPerson): Person {
    this.#lastId += 1;
    // Children have an account of their own from the year they turn eleven.
    const hasAccount = known.bornOn === null || ageOn(known.bornOn, this.#today) >= 11;
    return {
      ...known,
      id: this.#lastId,
      name: known.name.native,
      email: known.email !== undefined ? known.email : hasAccount ? this.#email(known.name) : null,
      tone: random.pick(skinTones),
      voice:
        known.role === 'professional' ? 'careful' : random.pick(['careful', 'careful', 'careful', 'loose', 'lower']),
      addresses: [documentationAddress(random), documentationAddress(random)],
      userAgent: random.pick(userAgents),
    };
  }

  #email(name: Name): string {
    const local = name.latin
      .toLowerCase()
      .replaceAll(/[^a-z ]/g, '')
      .replaceAll(' ', '.');
    let email = `${local}@example.com`;
    for (let n = 2; this.#emails.has(email); n++) email = `${local}${n}@example.com`;
    this.#emails.add(email);
    return email;
  }

  /** 555-0100 to 555-0199 are set aside for fiction in every North American area code. */
  #phone(random: Random): string {
    for (;;) {
      const phone = `+1${random.pick(areaCodes)}55501${String(random.whole(0, 99)).padStart(2, '0')}`;
      if (this.#phones.has(phone)) continue;
      this.#phones.add(phone);
      return phone;
    }
  }

  #birthday(random: Random, age: number): Temporal.PlainDate {
    return this.#today.subtract({ years: age, days: random.whole(1, 364) });
  }
}

function readName(text: string): Name {
  const [native = text, latin = native] = text.split('=');
  return { native, latin };
}

function documentationAddress(random: Random): string {
  if (random.chance(0.25))
    return `2001:db8:${random.whole(1, 0xfff).toString(16)}::${random.whole(1, 0xffff).toString(16)}`;
  return `${random.pick(['192.0.2', '198.51.100', '203.0.113'])}.${random.whole(1, 254)}`;
}

/** Whole years on that day. */
export function ageOn(bornOn: Temporal.PlainDate, day: Temporal.PlainDate): number {
  return bornOn.until(day, { largestUnit: 'years' }).years;
}
