import type { Dialogue } from './dialogue.ts';

const schoolYear = [1, 2, 3, 4, 5, 9, 10, 11, 12];

/** English: handing over, moving days about, and the small news of the week. */
export const englishDays: readonly Dialogue[] = [
  {
    topic: 'pickup',
    at: 'afternoon',
    days: 'weekday',
    turns: [
      'A: Running about {minutes} minutes late, the bridge is at a standstill. | Stuck behind an accident on the highway, I’ll be about {minutes} min late.',
      'B: OK. {child} is having a snack, no rush. | Thanks for telling me. {child} is fine, we’re doing homework at the counter.',
      'A+10m: Moving again. {soon} should be right.',
      'B: 👍',
    ],
  },
  {
    topic: 'pickup',
    at: 'afternoon',
    days: 'weekday',
    turns: [
      'A: Are you getting {child} from school or from {activity} today?',
      'B: From {activity}. Practice ends at {soon}. | From school, {activity} is cancelled this week.',
      'A: Then {his} water bottle and the blue jacket are in the front pocket of the backpack.',
      'B: Got it, thanks.',
    ],
  },
  {
    topic: 'pickup',
    at: 'afternoon',
    turns: ['A: I’m outside.', 'B: Two minutes, {he} can’t find the other shoe. 👟', 'A: The eternal other shoe 😂'],
    ages: [3, 10],
  },
  {
    topic: 'pickup',
    at: 'evening',
    turns: [
      'A: {child} left {his} glasses at my place. I can drop them at the school office before the bell.',
      'B: That would help, {he} has a test tomorrow.',
      'A+12h: Dropped off at the office, Ms. at the front desk has them.',
      'B: Thank you. Really. | Thanks, appreciated.',
    ],
    ages: [6, 15],
  },
  {
    topic: 'pickup',
    at: 'afternoon',
    turns: [
      'A: Hi, it’s past {ago} and nobody is here. Are you on your way?',
      'B+25m: I’m sorry. The meeting ran over and I couldn’t step out. Leaving now.',
      'A: That is the second time this month, {B}. {He} was standing by the door with {his} bag on.',
      'B: I know. I’ll say sorry to {him} myself.',
      'A+1h: {He} was happy to see you. Let’s just agree that you text me the moment you know.',
      'B: Agreed.',
    ],
  },
  {
    topic: 'pickup',
    at: 'morning',
    turns: [
      'A: Can your mom do the handover on {weekday}? I know she’s on the approved list at school.',
      'B: She can. I’ve told the office, they just need her to bring ID.',
      'A: Perfect. {child} will be thrilled, {he} has been asking about her dog all week 🐶',
    ],
  },
  {
    topic: 'pickup',
    at: 'evening',
    turns: [
      'A: Exchange on {weekday} at the library instead of the house, OK? The street is closed for roadworks.',
      'B: Works for me. Same time, {time}?',
      'A: Yes, {time}, by the book return.',
    ],
    event: { title: 'Exchange at the library', on: 'weekday', hours: 1 },
  },
  {
    topic: 'pickup',
    at: 'afternoon',
    days: 'weekday',
    months: schoolYear,
    turns: [
      'A: School just called an early dismissal for the weather. Buses leave at 1.',
      'B: I’m forty minutes out. Can you take {him}? It’s my day, I know.',
      'A: Already on my way. Come by after work, roads are bad, don’t rush.',
      'B: You’re a lifesaver. {pray}',
      'A+4h: {He}’s fed. There’s soup if you want some before you drive back.',
    ],
  },
  {
    topic: 'pickup',
    at: 'afternoon',
    turns: [
      'A: Dropped {child} at your sister’s as agreed. {He} has eaten and the inhaler is in the side pocket.',
      'B: Thanks, she just texted me too.',
    ],
  },
  {
    topic: 'pickup',
    at: 'afternoon',
    turns: ['A: Here.', 'B: Coming down {thumbs}'],
  },
  { topic: 'pickup', at: 'afternoon', turns: ['A: On time for once, I’ll be there at {soon} 😅'] },
  {
    topic: 'everyday',
    at: 'evening',
    turns: ['A: {child} asked me to tell you good night. So: good night from {child} 🌙'],
  },
  {
    topic: 'everyday',
    at: 'evening',
    turns: ['A: Reminder for tomorrow: library books, they’re in the green bag.', 'B: Got them {thumbs}'],
  },
  {
    topic: 'pickup',
    at: 'evening',
    ages: [3, 7],
    turns: [
      'A: Is the booster seat in your car? It isn’t in mine.',
      'B: Yes, it’s here, I forgot to move it over. I can bring it by at {soon}.',
      'A: Please do. I won’t drive {him} without it.',
      'B: Of course not. I’ll be there.',
    ],
  },
  {
    topic: 'pickup',
    at: 'afternoon',
    siblings: true,
    turns: [
      'A: I have {child2}, you have {child}, right? I want to be sure nobody is waiting on a curb.',
      'B: Right. {child} is in the back seat eating my fries.',
      'A: 😂 As it should be.',
    ],
  },
  {
    topic: 'schedule',
    at: 'evening',
    turns: [
      'A: Could we swap weekends? My cousin is getting married on {date} and I’d love for {child} to be there.',
      'B: Should be fine. Which weekend would I get instead?',
      'A: The one right after. You’d have {him} two in a row, then we’re back to normal.',
      'B: OK. Please put it in the calendar so we both have it in writing.',
      'A: Done. Thank you, it means a lot to my aunt.',
    ],
    event: { title: 'Weekend swapped (wedding)', on: 'date', hours: 48 },
  },
  {
    topic: 'schedule',
    at: 'evening',
    turns: [
      'A: I’ve been moved to late shifts until {date}. Wednesdays are going to be hard.',
      'B: Do you want to trade Wednesdays for Thursdays until then?',
      'A: If that works with {activity}, yes.',
      'B: {activity} is Thursday, so I’d drop {him} there and you’d pick up. Fine by me.',
      'A: Thank you. It’s temporary, I promise.',
    ],
  },
  {
    topic: 'schedule',
    at: 'evening',
    turns: [
      'A: I’d like to keep {child} until {weekday} morning instead of Sunday night. {He}’s settled and the drive back is long.',
      'B: No. We agreed on Sunday, and {he} has school the next day.',
      'A: I can drive {him} to school.',
      'B: Then ask me before the weekend, not on Sunday afternoon. Tonight at {soon}, please.',
      'A: Fine. Tonight.',
    ],
    days: 'weekend',
  },
  {
    topic: 'schedule',
    at: 'morning',
    turns: [
      'A: Conference in the city, {date} to {date2}. Could you take {child} those nights?',
      'B: I can do it except the last night, I’m on call.',
      'A: My sister can cover the last one. I’ll send you her number again.',
      'B: I have it. OK.',
    ],
    event: { title: 'Work trip, kids with the other parent', on: 'date', hours: 72 },
  },
  {
    topic: 'schedule',
    at: 'evening',
    turns: [
      'A: Quick one: dinner with my parents on {weekday}, may I bring {him} back at 8 instead of 7?',
      'B: 8 is fine. Teeth brushed please 😁',
      'A: Deal.',
    ],
  },
  {
    topic: 'schedule',
    at: 'evening',
    once: true,
    turns: [
      'A: The lawyer’s draft says exchanges at 6. We’ve always done {time}. Do you care?',
      'B: Not really. {time} is better for homework, though.',
      'A: Then let’s write {time} and be done with it. I’d rather not pay for another letter about half an hour.',
      'B: Ha. Same.',
    ],
  },
  {
    topic: 'schedule',
    at: 'evening',
    turns: [
      'A: Is {date} yours or mine? The calendar shows both of us and I’m confused.',
      'B: Mine by the order, but you asked for it in the spring because of the {activity} tournament.',
      'A: Right. I’d still like it if that’s OK.',
      'B: It’s yours. I’ll fix the calendar.',
    ],
  },
  {
    topic: 'schedule',
    at: 'morning',
    turns: [
      'A: I need an answer about {date}. I asked last week.',
      'B+5h: Sorry, I saw it and then forgot to reply. Yes, you can have it.',
      'A: Thank you. In future a “let me check” is enough, I just need to know you saw it.',
      'B: Fair.',
    ],
  },
  {
    topic: 'everyday',
    at: 'evening',
    ages: [5, 8],
    turns: [
      'A: {child} lost a tooth! The front one. {He} wants you to see it before the tooth fairy comes.',
      'B: 😍 Can {he} call me?',
      'A: Calling in five.',
      'B+20m: That was the best call of my week. What’s the going rate for a tooth at your house?',
      'A: Two dollars and a very small letter.',
    ],
  },
  {
    topic: 'everyday',
    at: 'evening',
    turns: [
      'A: {child} is asking for the elephant. The gray one, not the big one.',
      'B: It’s on the couch. I can bring it over, I’m ten minutes away.',
      'A: You’d be saving bedtime.',
      'B+15m: Elephant delivered to the porch 🐘',
      'A: {He} is asleep already. Thank you.',
    ],
    ages: [3, 7],
  },
  {
    topic: 'everyday',
    at: 'afternoon',
    attach: { turn: 0, kind: 'drawing', name: 'drawing.png' },
    turns: [
      'A: {child} drew this for you and made me promise to send it today.',
      'B: I love it. Is that me with the enormous hands?',
      'A: {He} says that’s because you give good hugs 🤗',
      'B: I’m at work and now I’m crying. Tell {him} it goes on the fridge.',
    ],
    ages: [4, 9],
  },
  {
    topic: 'everyday',
    days: 'weekend',
    once: true,
    turns: [
      'A: {He} rode without training wheels! All the way to the corner! 🚲',
      'B: No way!! Did you film it?',
      'A: Of course. I’ll show you on {weekday}, it’s too long to send.',
      'B: So proud of {him}. And of you for running behind the bike.',
    ],
    ages: [4, 7],
  },
  {
    topic: 'everyday',
    at: 'evening',
    ages: [11, 16],
    turns: [
      'A: We should agree on a phone rule. Mine is: in the kitchen from 9 pm. What’s yours?',
      'B: I don’t really have one and I suspect that’s why {he} likes it here 🙃',
      'A: Could we do 9:30 in both houses?',
      'B: OK. You tell {him} it was your idea.',
      'A: I’ll tell {him} it was both of ours. Because it is.',
    ],
  },
  {
    topic: 'everyday',
    at: 'evening',
    turns: [
      'A: How was {activity}?',
      'B: {He} scored! Well, it bounced off {his} knee, but it counts. | Good. Coach says {he}’s listening more.',
      'A: Tell {him} I’m proud. I’ll be there on {weekday}.',
    ],
  },
  {
    topic: 'everyday',
    at: 'evening',
    turns: [
      'A: Is {child} allowed to watch the second dinosaur movie? {He} says you said yes.',
      'B: I said maybe. I never said yes.',
      'A: A little lawyer, our kid. ⚖️',
      'B: It’s no, until {he}’s older. But {he} tried well.',
    ],
    ages: [5, 9],
  },
  {
    topic: 'everyday',
    at: 'morning',
    turns: [
      'A: Sizes please, I’m at the store: shoes and pants?',
      'B: Shoes have gone up one since the fall. Pants: long and narrow, always long and narrow.',
      'A: Bought two pairs of each, one set can live at yours.',
      'B: That’s kind. I’ll get the rain jacket then.',
    ],
  },
  {
    topic: 'everyday',
    at: 'evening',
    turns: [
      'A: Did {child} tell you about {friend}’s sleepover on {weekday}?',
      'B: {He} told me it was “already decided”. I take it that isn’t the case.',
      'A: It is not. I know {friend}’s parents, I’m fine with it if you are. It falls on your night.',
      'B: I’m fine with it. I’ll drive {him}, you collect {him} in the morning?',
      'A: Deal.',
    ],
    ages: [7, 14],
  },
  {
    topic: 'everyday',
    at: 'evening',
    once: true,
    turns: [
      'A: The hamster died. I haven’t told {him} yet. Do you want to do it together?',
      'B: Oh no. Yes. I can come over at {soon}.',
      'A: Thank you.',
      'B+3h: That went as well as it could. The shoebox with the drawings was a lovely idea.',
      'A: {He} asked if both our houses can have a picture of it. I’ll print two.',
    ],
    ages: [5, 11],
  },
  {
    topic: 'everyday',
    at: 'afternoon',
    siblings: true,
    turns: [
      'A: {child} and {child2} are building a fort and have asked me to tell you that no parents are admitted.',
      'B: Is there a password?',
      'A: “Lasagna.” You didn’t hear it from me. 👨‍👧‍👦',
    ],
    days: 'weekend',
  },
];
