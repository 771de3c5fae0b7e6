import type { Role } from '../core/actor.ts';

/** Kinfolk's staff: who a newcomer signs in as. Two in each role that prepares and approves. */
export const demoStaff: readonly {
  readonly name: string;
  readonly email: string;
  readonly role: Role;
  readonly title: string;
}[] = [
  { name: 'Paula Brandt', email: 'paula@kinfolk.example.com', role: 'privacy', title: 'Privacy analyst' },
  { name: 'Quentin Okafor', email: 'quentin@kinfolk.example.com', role: 'privacy', title: 'Head of privacy' },
  { name: 'Lena Ortiz', email: 'lena@kinfolk.example.com', role: 'legal', title: 'Paralegal' },
  { name: 'Marcus Weil', email: 'marcus@kinfolk.example.com', role: 'legal', title: 'General counsel' },
  { name: 'Carla Nowak', email: 'carla@kinfolk.example.com', role: 'compliance', title: 'Compliance officer' },
  { name: 'Dev Sharma', email: 'dev@kinfolk.example.com', role: 'compliance', title: 'Records manager' },
  { name: 'Astrid Lund', email: 'astrid@kinfolk.example.com', role: 'auditor', title: 'External auditor' },
  { name: 'Tom Adeyemi', email: 'tom@kinfolk.example.com', role: 'admin', title: 'Operations' },
];
