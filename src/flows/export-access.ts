import type { Actor } from '../core/actor.ts';
import { isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { listExports } from '../db/exports.ts';
import type { Export } from '../evidence/export.ts';
import { mayNow, type Permission } from '../policy/roles.ts';
import { lookUpExport, type Page } from './look-up.ts';
import type { Office } from './office.ts';

/** What somebody would do with an export. */
export type ExportStep = 'read' | 'download' | 'work' | 'approve';

type May = (permission: Permission) => boolean;

/**
 * The permission that an export takes beside that for exports: the one for the demand or the request that it answers,
 * whose matter and whose people it names. What answers neither is everybody's who works on exports. A person's own
 * package is all that is kept of them: it is downloaded only by who works on requests.
 * @returns the first that is missing, or null
 */
export function missingFor(
  may: May,
  { demandId, requestId }: Pick<Export, 'demandId' | 'requestId'>,
  step: ExportStep,
): Permission | null {
  const needed: readonly Permission[] = [
    ...(demandId === null ? [] : [`demands.${step === 'download' ? 'read' : step}` as const]),
    ...(requestId === null ? [] : [`requests.${step === 'download' ? 'work' : step}` as const]),
  ];
  return needed.find((permission) => !may(permission)) ?? null;
}

/** What this actor may do now. The person's own package, and what follows from an earlier decision, ask no role. */
export function mayOf(office: Pick<Office, 'policy'>, actor: Actor): May {
  const isStaff = actor.kind === 'person' || actor.kind === 'token';
  return (permission) => !isStaff || mayNow(office.policy.roles, actor, permission);
}

/** An export, as far as somebody may do that with it. For whom may not see it, it is not there. */
export async function exportFor(
  office: Office,
  actor: Actor,
  id: string,
  step: ExportStep = 'read',
): Promise<Export | Refusal> {
  const may = mayOf(office, actor);
  const found = await lookUpExport(office, id);
  if (isRefusal(found)) return found;
  if (missingFor(may, found, 'read')) return refuse('not_found', 'There is no such export.');
  const missing = missingFor(may, found, step);
  return missing ? notAllowed(missing) : found;
}

export const notAllowed = (permission: Permission) =>
  refuse(
    'not_allowed',
    `This export answers what your role may not do that for (${permission}). Nothing was changed.`,
    {
      permission,
    },
  );

/** The exports that somebody may see, newest first. */
export const exportsFor = (office: Office, actor: Actor, page: Page) =>
  visibleExports(office, mayOf(office, actor), page);

export const visibleExports = (office: Pick<Office, 'store'>, may: May, { limit, offset }: Page) =>
  listExports(office.store, { ofDemands: may('demands.read'), ofRequests: may('requests.read') }, limit, offset);
