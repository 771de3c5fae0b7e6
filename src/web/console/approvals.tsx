import type { Child } from 'hono/jsx';
import type { Refusal } from '../../core/refusal.ts';
import { coveredCount, type Hold } from '../../disposition/hold.ts';
import { goingOf, type Run } from '../../disposition/run.ts';
import type { Export } from '../../evidence/export.ts';
import type { SubjectRequest } from '../../requests/request.ts';
import { PostForm, RefusalNotice, Table, TwoPeople } from '../components/parts.tsx';
import { ConsolePage, type Frame } from '../layout.tsx';
import { FilesTable } from './exports.tsx';
import { Buckets, countOf } from './findings.tsx';

/**
 * The pages before a step that cannot be undone: what will happen in numbers, what cannot be undone, who asks, who
 * may approve. Looking at one decides nothing; its button does.
 */
interface ApprovalProps {
  readonly frame: Frame;
  readonly names: ReadonlyMap<string, string>;
}

function ApprovalPage({
  frame,
  here,
  back,
  title,
  preparer,
  warning,
  action,
  button,
  danger,
  seen,
  refusal,
  children,
}: {
  readonly frame: Frame;
  readonly here: string;
  /** Where it came from, and what that is called. */
  readonly back: { readonly href: string; readonly label: string };
  readonly title: string;
  readonly preparer: string;
  readonly warning: Child;
  readonly action: string;
  readonly button: string;
  readonly danger: boolean;
  /** When it was decided, where it can be decided anew: what is approved is what stood here. */
  readonly seen?: string | undefined;
  readonly refusal?: Refusal | null;
  readonly children: Child;
}) {
  return (
    <ConsolePage title={title} frame={frame} here={here}>
      <p class="crumb">
        <a href={back.href}>{back.label}</a>
      </p>
      <h1>{title}</h1>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      {children}
      <div class="card stack">
        <TwoPeople preparer={preparer} approver={null} />
        <p>{warning}</p>
        <PostForm action={action}>
          {seen ? <input type="hidden" name="decidedAt" value={seen} /> : null}
          <button type="submit" class={danger ? 'danger' : ''}>
            {button}
          </button>
        </PostForm>
        <p>
          <a href={back.href}>Go back; nothing is decided</a>
        </p>
      </div>
    </ConsolePage>
  );
}

function Figures({ rows }: { readonly rows: readonly (readonly [string, number])[] }) {
  return (
    <div class="cards">
      {rows.map(([label, count]) => (
        <div class="card">
          <div class="figure">{count.toLocaleString('en')}</div>
          <p class="small muted">{label}</p>
        </div>
      ))}
    </div>
  );
}

export function ApproveRequestPage({
  frame,
  request,
  names,
  refusal,
}: ApprovalProps & { readonly request: SubjectRequest; readonly refusal: Refusal | null }) {
  const findings = request.findings ?? [];
  const going = (countOf(findings, 'destroy') + countOf(findings, 'mask')).toLocaleString('en');
  const isErasure = request.type === 'erasure';
  const by = request.decision?.by ?? '';
  return (
    <ApprovalPage
      frame={frame}
      here="/console/requests"
      back={{ href: `/console/requests/${request.id}`, label: request.reference }}
      title={isErasure ? `Erase ${going} records of this person?` : 'Approve this answer?'}
      preparer={names.get(by) ?? by}
      warning={
        isErasure
          ? 'What is destroyed cannot be brought back. If the counts have moved since, nothing is touched and you are asked again.'
          : 'Your own signature goes over the manifest of the package: exactly what was rendered is sealed.'
      }
      action={`/console/requests/${request.id}/approve`}
      button={isErasure ? `Erase ${going} records` : 'Approve and seal'}
      danger={isErasure}
      seen={request.decision?.at}
      refusal={refusal}
    >
      <Buckets findings={findings} verb="will be" />
      {request.exportId ? (
        <p>
          <a href={`/console/exports/${request.exportId}`}>Look at the package first</a>
        </p>
      ) : null}
    </ApprovalPage>
  );
}

export function ApproveExportPage({ frame, wanted, names }: ApprovalProps & { readonly wanted: Export }) {
  const { rendering } = wanted;
  const records = (rendering?.counts.included ?? 0).toLocaleString('en');
  return (
    <ApprovalPage
      frame={frame}
      here="/console/exports"
      back={{ href: `/console/exports/${wanted.id}`, label: wanted.matter.reveal() ?? 'Export' }}
      title={`Seal ${records} records?`}
      preparer={names.get(wanted.preparer) ?? wanted.preparer}
      warning="Your own signature goes over the manifest: exactly the files listed here are sealed, nothing is rendered anew. A sealed package cannot be changed, and it can be downloaded from then on."
      action={`/console/exports/${wanted.id}/approve`}
      button={`Approve and seal ${records} records`}
      danger={false}
    >
      {rendering ? (
        <Figures
          rows={[
            ['records will be sealed', rendering.counts.included],
            ['pages', rendering.counts.pages],
            ['attachments', rendering.counts.attachments],
            ['records redacted', rendering.counts.redacted],
          ]}
        />
      ) : null}
      <FilesTable files={rendering?.files ?? []} />
    </ApprovalPage>
  );
}

export function ApproveReleasePage({ frame, hold, names }: ApprovalProps & { readonly hold: Hold }) {
  const covered = coveredCount(hold.coverage).toLocaleString('en');
  const by = hold.releaseRequestedBy ?? '';
  return (
    <ApprovalPage
      frame={frame}
      here="/console/holds"
      back={{ href: `/console/holds/${hold.id}`, label: hold.matter.reveal() }}
      title={`Release ${covered} records?`}
      preparer={names.get(by) ?? by}
      warning="What is past its window is destroyed at the next bell, unless another hold covers it. What is destroyed cannot be brought back. The record of this hold stays."
      action={`/console/holds/${hold.id}/approve`}
      button={`Release ${covered} records`}
      danger={true}
    >
      <Table
        label="What loses this protection"
        rows={hold.coverage.filter(({ count }) => count > 0)}
        empty="This hold covers no record: nothing loses protection by its release."
        columns={[
          { head: 'Loses this protection', cell: ({ dataset }) => <code>{dataset}</code> },
          { head: 'Records', number: true, cell: ({ count }) => count.toLocaleString('en') },
        ]}
      />
    </ApprovalPage>
  );
}

export function ApproveRunPage({ frame, run, names }: ApprovalProps & { readonly run: Run }) {
  const sum = (of: (part: Run['parts'][number]) => number) => run.parts.reduce((total, part) => total + of(part), 0);
  const going = sum(goingOf).toLocaleString('en');
  return (
    <ApprovalPage
      frame={frame}
      here="/console/retention"
      back={{ href: `/console/retention/${run.id}`, label: 'Disposition run' }}
      title={`Destroy ${going} records?`}
      preparer={names.get(run.startedBy) ?? run.startedBy}
      warning="What hangs on these records, such as the attachments of a message, goes with them. What is destroyed cannot be brought back. Holds are asked again inside every batch: what is held by then stays."
      action={`/console/retention/${run.id}/approve`}
      button={`Destroy ${going} records`}
      danger={true}
    >
      <Figures
        rows={[
          ['records are due', sum(({ due }) => due)],
          ['stay under hold', sum(({ held }) => held)],
          ['stay restricted', sum(({ restricted }) => restricted)],
        ]}
      />
      <Table
        label="By dataset"
        rows={run.parts}
        empty="The run has no dataset."
        columns={[
          { head: 'Dataset', cell: ({ dataset }) => <code>{dataset}</code> },
          {
            head: 'Will be destroyed',
            number: true,
            cell: (part) => goingOf(part).toLocaleString('en'),
          },
          { head: 'Held', number: true, cell: ({ held }) => held.toLocaleString('en') },
        ]}
      />
    </ApprovalPage>
  );
}
