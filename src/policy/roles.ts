import { z } from 'zod';
import { type Role, roles } from '../core/actor.ts';
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
  'demands.approve': "Approve a demand's answer as the second person.",
  'exports.read': 'See exports and their counts.',
  'exports.work': 'Prepare an export and submit it.',
  'exports.approve': 'Approve and seal an export as the second person.',
  'exports.download': 'Take a sealed package out.',
  'ledger.read': 'Read the entries of the ledger and its proofs.',
  'policies.read': 'Read the policies in force.',
  'figures.read': 'See counts and figures over all cases.',
  'alarms.read': 'See alarms.',
  'alarms.work': 'Say that an alarm was looked at.',
  'people.manage': 'Invite people, give them roles, make tokens.',
  'keys.manage': 'See, make and rotate keys.',
} as const;
export type Permission = keyof typeof permissions;

export const permissionNames = Object.keys(permissions) as readonly Permission[];

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
    if (!roles.some((role) => file.roles[role].includes(permission)))
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
