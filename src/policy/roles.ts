import { z } from 'zod';
import { type Actor, type Role, roles } from '../core/actor.ts';
import { type Refusal, refuse } from '../core/refusal.ts';
import { orList, suggestion } from './did-you-mean.ts';
import type { PolicyIssue } from './yaml.ts';

/**
 * Everything there is to be allowed, and the calls it opens. `read` sees a record's own facts, `work` moves it on,
 * `approve` is the second person's step and nothing else (that preparer and approver differ is checked besides, I6).
 */
const permissions = {
  'requests.read': 'See requests, their deadlines, findings and receipts.',
  'requests.work': 'Record a request and move it on.',
  'requests.approve': "Approve a request's answer, package or erasure as the second person.",
  'holds.read': 'See holds and what they cover.',
  'holds.place': 'Place a hold and ask for its release.',
  'holds.approve': 'Approve the release of a hold as the second person.',
  'runs.read': 'See disposition runs and their certificates.',
  'runs.start': 'Start, pause, resume or cancel a disposition run.',
  'runs.approve': 'Approve a disposition run as the second person.',
  'demands.read': 'See legal demands, their documents and what may be disclosed.',
  'demands.work': 'Record a legal demand and move it on.',
  'demands.approve': 'Answer or refuse a legal demand.',
  'incidents.read': 'See breaches of personal data, their clocks and counts.',
  'incidents.work': 'Record a breach and move it on.',
  'incidents.approve': 'Decide, as the second person, that nobody need be told of a breach.',
  'exports.read': 'See exports and their counts.',
  'exports.work': 'Prepare an export and submit it.',
  'exports.approve': 'Approve and seal an export as the second person.',
  'exports.download': 'Take a sealed package out.',
  'ledger.read': 'Read the entries of the ledger and its proofs.',
  'policies.read': 'Read the policies in force.',
  'figures.read': 'See counts and figures over all cases.',
  'alarms.read': 'See alarms.',
  'alarms.work': 'Say that an alarm was looked at.',
  'access.break_glass': 'Take another role for a short time in an emergency.',
  'access.read': 'See roles taken in an emergency, and access reviews.',
  'access.review': 'Open an access review, decide who keeps access, and sign it.',
  'people.manage': 'Invite people, give them roles, make tokens.',
  'keys.manage': 'See, make and rotate keys.',
} as const;
export type Permission = keyof typeof permissions;

export const permissionNames = Object.keys(permissions) as readonly Permission[];

/** What it allows, as a sentence. */
export const permissionInWords = (permission: Permission): string => permissions[permission];

/** Who may do what: every role with its permissions, sorted. */
export type RolePolicy = Readonly<Record<Role, readonly Permission[]>>;

const permissionSchema = z.enum(permissionNames as [Permission, ...Permission[]]);

/** `roles.yaml`. Every role is named, one that may do nothing with an empty list. */
export const rolesSchema = z
  .strictObject({
    roles: z.record(z.enum(roles), z.array(permissionSchema)),
  })
  .meta({ title: 'Muniment: roles', description: 'What each staff role may do.' });

export type RolesFile = z.output<typeof rolesSchema>;

/** What nobody has to be able to do: left out of every role, it is switched off. */
const mayBeUnused: readonly Permission[] = ['access.break_glass'];

/** Turn the file into the role policy; nothing that has to be done may be left without anybody to do it. */
export function resolveRoles(file: RolesFile): { roles: RolePolicy; issues: readonly PolicyIssue[] } {
  const issues: PolicyIssue[] = [];
  for (const role of roles)
    for (const [index, permission] of file.roles[role].entries())
      if (file.roles[role].indexOf(permission) !== index)
        issues.push({
          path: ['roles', role, index],
          code: 'permission_twice',
          detail: `${permission} is named twice. Keep one.`,
        });
  for (const permission of permissionNames)
    if (!mayBeUnused.includes(permission) && !roles.some((role) => file.roles[role].includes(permission)))
      issues.push({
        path: ['roles'],
        code: 'permission_unused',
        detail: `Nobody may do ${permission} (${permissions[permission]}) Add it to at least one role.`,
      });
  const sorted = (role: Role) => file.roles[role].toSorted();
  return {
    roles: {
      privacy: sorted('privacy'),
      legal: sorted('legal'),
      compliance: sorted('compliance'),
      auditor: sorted('auditor'),
      admin: sorted('admin'),
    },
    issues,
  };
}

/** Whether a role may do a thing. Nobody without a role may do anything. */
export function may(policy: RolePolicy, role: Role | null, permission: Permission): boolean {
  return role !== null && policy[role].includes(permission);
}

/** A list of permissions as somebody wrote it, for a token of that role: only what the role has. */
export function checkScopes(
  policy: RolePolicy,
  role: Role,
  written: readonly string[],
): readonly Permission[] | Refusal {
  const has = policy[role];
  const errors = written.flatMap((scope, i) =>
    has.some((permission) => permission === scope)
      ? []
      : [
          {
            pointer: `/scopes/${i}`,
            code: 'permission_unknown',
            detail: `The role ${role} has no permission "${scope}".${suggestion(scope, has) || ` It has ${orList(has)}.`}`,
          },
        ],
  );
  if (errors.length > 0) return refuse('invalid', `${errors[0]?.detail} No token was made.`, {}, errors);
  return has.filter((permission) => written.includes(permission));
}

/**
 * What a role lends to somebody who takes it in an emergency: to see and to work. Not lent, ever:
 * - `*.approve`: a second person is somebody who was made one beforehand, by somebody else. Who could become one in a
 *   moment, by themselves, would make two people out of any two (I6).
 * - `people.manage`, `keys.manage`: they make roles and approvers, so that whoever holds them for a minute holds
 *   everything for good.
 * - `access.*`, `alarms.work`: the watch over borrowers is not for borrowers.
 */
function isLendable(permission: Permission): boolean {
  return !/\.(approve|manage)$|^access\.|^alarms\.work$/.test(permission);
}

/** What somebody of a role gains by taking another one. */
export function lends(policy: RolePolicy, own: Role | null, other: Role): readonly Permission[] {
  return policy[other].filter((permission) => isLendable(permission) && !may(policy, own, permission));
}

/** Whether somebody may do a thing now: by their role, or by what another one lends them, within what their token has. */
export function mayNow(
  policy: RolePolicy,
  actor: Pick<Actor, 'role' | 'lent' | 'scopes'>,
  permission: Permission,
): boolean {
  if (actor.scopes !== undefined && !actor.scopes.includes(permission)) return false;
  return (
    may(policy, actor.role, permission) ||
    (actor.lent !== undefined && isLendable(permission) && may(policy, actor.lent.role, permission))
  );
}
