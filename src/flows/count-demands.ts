import { demandCounts } from '../db/demands.ts';
import type { Office } from './office.ts';

/** Demands by type, and how many were answered with data. Counts only. */
export const countDemands = (office: Office) => demandCounts(office.store);
