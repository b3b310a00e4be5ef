/**
 * Error numbers that helpers return, negated, and the codes of the errors that stand for them.
 *
 * @module
 */
import { BpfError, type BpfErrorCode } from "../errors.ts";

/** Linux's numbers, as far as helpers return them. */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  E2BIG: 7,
  EFAULT: 14,
  EEXIST: 17,
  EINVAL: 22,
  ERANGE: 34,
  ELOOP: 40,
} as const;

const codes: Readonly<Record<number, BpfErrorCode>> = {
  [-ERRNO.EPERM]: "EPERM",
  [-ERRNO.ENOENT]: "ENOENT",
  [-ERRNO.E2BIG]: "E2BIG",
  [-ERRNO.EEXIST]: "EEXIST",
};

/** The error for a negated error number. */
export function errnoError(result: number, what: string): BpfError {
  const code = codes[result] ?? "EINVAL";
  return new BpfError(`${what}: ${code}`, { code });
}
