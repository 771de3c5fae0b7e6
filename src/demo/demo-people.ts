import type { LanguageCode } from './languages.ts';

/** Somebody of the demonstration who is always there, under the same id, address and number, whatever the seed. */
export interface DemoPerson {
  readonly userId: number;
  readonly familyId: number | null;
  readonly name: string;
  readonly email: string | null;
  readonly phone: string | null;
}

/** The people the guided tour and the documentation may name. Ids are those of `public.users`. */
export const demoPeople = {
  /** Asks for an export of her conversation with Daniel; a court case is pending. */
  morgan: person(1, 1, 'Morgan Ellis', 'morgan.ellis@example.com', '+15035550112'),
  daniel: person(2, 1, 'Daniel Reyes', 'daniel.reyes@example.com', '+15035550187'),
  sofia: person(3, 1, 'Sofia Reyes', 'sofia.reyes@example.com', null),
  leo: person(4, 1, 'Leo Reyes', null, null),
  /** The Reyes family's parenting coordinator; other families have others. */
  ingrid: person(5, null, 'Ingrid Halvorsen', 'ingrid.halvorsen@example.com', '+15035550150'),
  /** Asks for a copy of her data, in Arabic. */
  amina: person(17, 2, 'أمينة حداد', 'amina.haddad@example.com', '+13135550121'),
  karim: person(18, 2, 'كريم حداد', 'karim.haddad@example.com', '+13135550122'),
  /** Asks for his account to be erased; nothing holds it. */
  kenta: person(21, 3, '佐藤 健太', 'kenta.sato@example.com', '+14255550133'),
  misaki: person(22, 3, '佐藤 美咲', 'misaki.sato@example.com', '+14255550134'),
  lucia: person(24, 4, 'Lucía Herrera', 'lucia.herrera@example.com', '+12105550141'),
  tomas: person(25, 4, 'Tomás Vidal', 'tomas.vidal@example.com', '+12105550142'),
  /** Asks for deletion in English. */
  priya: person(28, 5, 'Priya Raman', 'priya.raman@example.com', '+16125550155'),
  thomas: person(29, 5, 'Thomas Whitfield', 'thomas.whitfield@example.com', '+16125550156'),
} as const;

/** The Reyes family's conversations, by what they are about. Ids are those of `public.conversations`. */
export const demoConversations = { schedule: 1, money: 2, school: 3, general: 4, coordinator: 5, kids: 6 } as const;

function person(
  userId: number,
  familyId: number | null,
  name: string,
  email: string | null,
  phone: string | null,
): DemoPerson {
  return { userId, familyId, name, email, phone };
}

/** One person of a cast family. Given and family names as `native=latin`, or plain. */
export interface CastMember {
  readonly given: string;
  readonly family: string;
  readonly gender: 'f' | 'm';
  readonly demo?: DemoPerson;
  /** Whole years today; children only. */
  readonly age?: number;
}

/** A family that is written down rather than drawn. */
export interface CastFamily {
  readonly name: string;
  readonly language: LanguageCode;
  readonly jurisdiction: string;
  readonly timeZone: string;
  readonly coordinator: boolean;
  readonly parents: readonly [CastMember, CastMember];
  readonly children: readonly CastMember[];
}

/** The first families of the database, in order. */
export const castFamilies: readonly CastFamily[] = [
  {
    name: 'Ellis–Reyes',
    language: 'en',
    jurisdiction: 'US-OR',
    timeZone: 'America/Los_Angeles',
    coordinator: true,
    parents: [
      { given: 'Morgan', family: 'Ellis', gender: 'f', demo: demoPeople.morgan },
      { given: 'Daniel', family: 'Reyes', gender: 'm', demo: demoPeople.daniel },
    ],
    children: [
      { given: 'Sofia', family: 'Reyes', gender: 'f', age: 12, demo: demoPeople.sofia },
      { given: 'Leo', family: 'Reyes', gender: 'm', age: 8, demo: demoPeople.leo },
    ],
  },
  {
    name: 'حداد',
    language: 'ar',
    jurisdiction: 'AE-DU',
    timeZone: 'Asia/Dubai',
    coordinator: false,
    parents: [
      { given: 'أمينة=Amina', family: 'حداد=Haddad', gender: 'f', demo: demoPeople.amina },
      { given: 'كريم=Karim', family: 'حداد=Haddad', gender: 'm', demo: demoPeople.karim },
    ],
    children: [
      { given: 'سلمى=Salma', family: 'حداد=Haddad', gender: 'f', age: 10 },
      { given: 'آدم=Adam', family: 'حداد=Haddad', gender: 'm', age: 7 },
    ],
  },
  {
    name: '佐藤',
    language: 'ja',
    jurisdiction: 'JP-13',
    timeZone: 'Asia/Tokyo',
    coordinator: false,
    parents: [
      { given: '健太=Kenta', family: '佐藤=Sato', gender: 'm', demo: demoPeople.kenta },
      { given: '美咲=Misaki', family: '佐藤=Sato', gender: 'f', demo: demoPeople.misaki },
    ],
    children: [{ given: '陽菜=Hina', family: '佐藤=Sato', gender: 'f', age: 9 }],
  },
  {
    name: 'Herrera Vidal',
    language: 'es',
    jurisdiction: 'MX-CMX',
    timeZone: 'America/Mexico_City',
    coordinator: true,
    parents: [
      { given: 'Lucía=Lucia', family: 'Herrera', gender: 'f', demo: demoPeople.lucia },
      { given: 'Tomás=Tomas', family: 'Vidal', gender: 'm', demo: demoPeople.tomas },
    ],
    children: [
      { given: 'Renata', family: 'Vidal', gender: 'f', age: 13 },
      { given: 'Bruno', family: 'Vidal', gender: 'm', age: 8 },
    ],
  },
  {
    name: 'Raman–Whitfield',
    language: 'en',
    jurisdiction: 'US-MN',
    timeZone: 'America/Chicago',
    coordinator: false,
    parents: [
      { given: 'Priya', family: 'Raman', gender: 'f', demo: demoPeople.priya },
      { given: 'Thomas', family: 'Whitfield', gender: 'm', demo: demoPeople.thomas },
    ],
    children: [{ given: 'Nora', family: 'Whitfield', gender: 'f', age: 9 }],
  },
];
