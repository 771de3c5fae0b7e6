import { Time } from './parts.tsx';

/** What happened to a request, in words; where a move ends in two ways, the state it led to stands after it. */
export const requestMoveWords: Readonly<Record<string, string>> = {
  receive: 'Received',
  'verify verifying': 'A code was sent',
  'verify gathering': 'Identity confirmed',
  gather: 'Search begun',
  gathered: 'Search ended, ready to be decided',
  decide: 'Decided',
  approve: 'Approved by a second person',
  counts_moved: 'Counts had moved: nothing touched, to be decided again',
  fulfil: 'Carried out and answered',
  withdraw: 'Taken back by the person',
  reopen: 'Opened again',
  appeal: 'Appealed',
  hold_ended: 'A hold ended: what it kept is to be decided',
  recount: 'Deadline counted again with new holidays',
  pause: 'Clock paused',
  resume: 'Clock running again',
  extend: 'Deadline extended',
};

/** What happened to a demand, in words. */
export const demandMoveWords: Readonly<Record<string, string>> = {
  receive: 'Received',
  authenticate: 'Found authentic',
  collect: 'Collection begun',
  answer: 'Answered',
  refuse: 'Refused',
  withdraw: 'Taken back by who issued it',
  close: 'Closed',
  extend: 'More time given',
  renew: 'Preservation renewed',
};

/** What happened to an incident, in words. */
export const incidentMoveWords: Readonly<Record<string, string>> = {
  open: 'Recorded',
  describe: 'Described further',
  count: 'Counted again',
  assess: 'Risk assessed',
  notify_authority: 'Authority told',
  waive_authority: 'Authority need not be told, says a second person',
  notify_persons: 'People told',
  waive_persons: 'People need not be told, says a second person',
  close: 'Closed',
  reopen: 'Opened again',
};

interface Happening {
  readonly at: string;
  readonly actor: string;
  readonly move: string;
  readonly to: string;
  readonly note?: string | null;
}

/** How something got here: what happened, who did it, when. */
export function Timeline({
  history,
  words,
  names,
  zone,
}: {
  readonly history: readonly Happening[];
  readonly words: Readonly<Record<string, string>>;
  readonly names: ReadonlyMap<string, string>;
  readonly zone: string;
}) {
  return (
    <ol class="timeline">
      {history.map(({ at, actor, move, to, note }) => (
        <li>
          <strong>{words[`${move} ${to}`] ?? words[move] ?? move.replaceAll('_', ' ')}</strong>
          {note ? <div>{note}</div> : null}
          <div class="muted">
            {whoInWords(actor, names)}, <Time at={at} zone={zone} />
          </div>
        </li>
      ))}
    </ol>
  );
}

/** A name; for who has none in the list, what they are here. */
function whoInWords(actor: string, names: ReadonlyMap<string, string>): string {
  if (actor === 'system') return 'Muniment, by itself';
  if (actor === 'requester') return 'the person who asked';
  return names.get(actor) ?? actor;
}
