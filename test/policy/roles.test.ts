import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { roles } from '../../src/core/actor.ts';
import { lends, may, mayNow, permissionNames, resolveRoles, rolesSchema } from '../../src/policy/roles.ts';
import { readYaml, validate } from '../../src/policy/yaml.ts';
import { golden } from '../support/golden.ts';

function parse(text: string) {
  const { yaml } = readYaml({ name: 'roles.yaml', text }, () => undefined);
  if (!yaml) throw new Error('not YAML');
  const { value, issues } = validate(rolesSchema, yaml.value, yaml.written);
  const resolved = value ? resolveRoles(value) : null;
  return { roles: resolved?.roles, problems: [...issues, ...(resolved?.issues ?? [])].map(yaml.locate) };
}
const shipped = readFileSync(new URL('../../policies/roles.yaml', import.meta.url), 'utf8');

describe('roles', () => {
  it('as shipped: each does its own work, the auditor only reads, the administrator sees no case', () => {
    const { roles: policy, problems } = parse(shipped);
    expect(problems).toEqual([]);
    if (!policy) throw new Error('no roles');
    expect(may(policy, 'privacy', 'requests.approve')).toBe(true);
    expect(may(policy, 'privacy', 'demands.read')).toBe(false);
    expect(may(policy, 'legal', 'holds.place')).toBe(true);
    expect(may(policy, 'compliance', 'runs.approve')).toBe(true);
    expect(policy.auditor.every((permission) => permission.endsWith('.read'))).toBe(true);
    expect(policy.admin.some((permission) => /^(requests|holds|demands|exports|runs)\./.test(permission))).toBe(false);
    expect(permissionNames.filter((permission) => may(policy, null, permission))).toEqual([]);
  });

  it('as shipped: the matrix is its golden file', () => {
    const { roles: policy } = parse(shipped);
    if (!policy) throw new Error('no roles');
    const lines = permissionNames.map(
      (permission) => `${permission} | ${roles.filter((role) => may(policy, role, permission)).join(' ')}`,
    );
    golden('role-matrix.txt', `${lines.join('\n')}\n`);
  });

  it('a permission that nobody has is a mistake, and so is one that does not exist', () => {
    expect(
      parse(shipped.replace('    - keys.manage\n', '')).problems.map(({ code, detail }) => [code, detail]),
    ).toEqual([
      ['permission_unused', 'Nobody may do keys.manage (See, make and rotate keys.) Add it to at least one role.'],
    ]);
    expect(parse(shipped.replace('keys.manage', 'keys.mange')).problems.map(({ detail }) => detail)).toEqual([
      'Item 2 is "keys.mange". Did you mean "keys.manage"?',
    ]);
  });

  it('as shipped: what is lent in an emergency is never an approval, people, keys or the watch over it', () => {
    const { roles: policy } = parse(shipped);
    if (!policy) throw new Error('no roles');
    const until = Temporal.Instant.from('2026-11-27T10:00:00Z');
    for (const own of roles)
      for (const role of roles) {
        const lent = lends(policy, own, role);
        expect(lent.filter((one) => /approve|manage|^access|alarms\.work/.test(one))).toEqual([]);
        const now = permissionNames.filter((one) =>
          mayNow(policy, { role: own, lent: { id: 'lnd_1', role, until } }, one),
        );
        expect(now.toSorted()).toEqual([...policy[own], ...lent].toSorted());
      }
    expect(lends(policy, 'privacy', 'legal')).toEqual(['demands.read', 'demands.work', 'holds.place']);
  });

  it('without anybody who may break the glass, nobody can: the one permission that may be left out', () => {
    const { roles: policy, problems } = parse(shipped.replaceAll('    - access.break_glass\n', ''));
    expect(problems).toEqual([]);
    expect(roles.some((role) => policy && may(policy, role, 'access.break_glass'))).toBe(false);
    expect(parse(shipped.replaceAll('    - access.review\n', '')).problems.map(({ code }) => code)).toEqual([
      'permission_unused',
    ]);
  });

  it('every role is named', () => {
    const problems = parse('roles:\n  legal: []\n').problems;
    expect(problems.map(({ pointer, code }) => `${pointer} ${code}`)).toEqual(
      roles.filter((role) => role !== 'legal').map((role) => `/roles/${role} missing`),
    );
  });

  it('a role that does not exist is a mistake', () => {
    expect(parse(`${shipped}  lawyer: []\n`).problems.map(({ detail }) => detail)).toEqual([
      '"lawyer" is not known here. Write privacy, legal, compliance, auditor or admin.',
    ]);
  });
});
