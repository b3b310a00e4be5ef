/**
 * The services of an endpoint, each with what it asks of its clients.
 *
 * @module
 */
import { needObject } from "../core/limits.ts";
import { typeName } from "../core/words.ts";
import type { RxConnection } from "./connection.ts";
import type { RxHeader } from "./header.ts";
import { checkedTimeouts, checkNumber } from "./limits.ts";
import type { RxService } from "./ports.ts";
import { none } from "./security/none.ts";
import type { ServerSecurity } from "./security/protection.ts";

/** What somebody asks for who is not known yet. */
export interface AskedService {
  readonly service: RxService;
  readonly security: ServerSecurity;
}

/** The services. */
export class OfferedServices {
  readonly #services: Map<number, RxService> = new Map();

  /** Offers one. */
  add(service: RxService): void {
    this.#services.set(service.id, service);
  }

  /** Offers it no more. Returns what was. */
  remove(id: number): RxService | undefined {
    const service = this.#services.get(id);
    this.#services.delete(id);
    return service;
  }

  /** Offers nothing any more. */
  clear(): void {
    this.#services.clear();
  }

  /** What a first packet is for, if its security class will do. */
  askedBy({ serviceId, securityIndex }: RxHeader): AskedService | undefined {
    const service = this.#services.get(serviceId);
    const security = service && securityOf(service).find((one) => one.index === securityIndex);
    return service && security && { service, security };
  }

  /** The service of a connection, if it is offered still under the security that the connection has. */
  of({ service: id, securityIndex, security }: RxConnection): RxService | undefined {
    const service = this.#services.get(id) ?? [...this.#services.values()].find(({ upgradeTo }) => upgradeTo === id);
    const isRight = (one: ServerSecurity): boolean => one === security || one.index === 0 && securityIndex === 0;
    return service && securityOf(service).some(isRight) ? service : undefined;
  }
}

/**
 * Checks a service: what is wrong with it must not show when a client comes.
 *
 * @throws {TypeError | RangeError} when it can be none
 */
export function checkService(service: RxService): void {
  needObject("a service", service);
  checkNumber("service", service.id);
  if (service.upgradeTo !== undefined) checkNumber("upgradeTo", service.upgradeTo);
  checkedTimeouts(service.timeouts);
  const { security } = service;
  if (security === undefined) return;
  if (!Array.isArray(security)) throw new TypeError(`security must be a list, got ${typeName(security)}`);
  for (const one of security) checkSecurity(one, "challenge", "rxkadServer");
}

/**
 * Checks a security class of one of both ends.
 *
 * @throws {TypeError} when it is none
 */
export function checkSecurity(security: unknown, method: "challenge" | "connect", maker: string): void {
  const { index, [method]: makes } = (security ?? {}) as Record<string, unknown>;
  if (Number.isInteger(index) && typeof makes === "function") return;
  throw new TypeError(`security must be none(), ${maker}() or a class with ${method}(), got ${typeName(security)}`);
}

function securityOf({ security }: RxService): readonly ServerSecurity[] {
  return security ?? [none()];
}
