/**
 * Fields of a map's value out of type information: nested structures flattened, their names joined by dots.
 *
 * @module
 */
import type { ValueField } from "../program.ts";
import { type Btf, BTF_KIND, type BtfMember } from "./btf.ts";

/** Most members that are looked at for one value; what is behind has no names. */
const MAX_MEMBERS = 1024;
/** Deepest nesting of structures. */
const MAX_DEPTH = 8;

/** Fields of a structure or, with the name `value`, of a single number. */
export function valueFields(btf: Btf, typeNumber: number): ValueField[] {
  const collector = new FieldCollector(btf);
  collector.add("", typeNumber, 0, 0);
  return collector.fields;
}

/** Fields of variables of a section. */
export function variableFields(btf: Btf, variables: readonly BtfMember[]): ValueField[] {
  const collector = new FieldCollector(btf);
  for (const variable of variables) collector.addMember("", variable, 0, 0);
  return collector.fields;
}

class FieldCollector {
  readonly fields: ValueField[] = [];
  readonly #btf: Btf;
  #seen = 0;

  constructor(btf: Btf) {
    this.#btf = btf;
  }

  addMember(prefix: string, member: BtfMember, base: number, depth: number): void {
    if (member.offset === undefined) return;
    const name = prefix === "" || member.name === "" ? prefix + member.name : `${prefix}.${member.name}`;
    this.add(name, member.type, base + member.offset, depth);
  }

  add(name: string, typeNumber: number, offset: number, depth: number): void {
    if (++this.#seen > MAX_MEMBERS || depth > MAX_DEPTH) return;
    const type = this.#btf.type(typeNumber);
    if (type.kind === BTF_KIND.STRUCT || type.kind === BTF_KIND.UNION) {
      for (const member of this.#btf.members(type, MAX_MEMBERS - this.#seen)) {
        this.addMember(name, member, offset, depth + 1);
      }
    } else if (type.kind === BTF_KIND.ARRAY) {
      const { element, count } = this.#btf.array(type);
      this.#addNumber(name, element, offset, count);
    } else {
      this.#addNumber(name, typeNumber, offset, undefined);
    }
  }

  #addNumber(name: string, typeNumber: number, offset: number, count: number | undefined): void {
    const type = this.#btf.type(typeNumber);
    if (![BTF_KIND.INT, BTF_KIND.ENUM, BTF_KIND.ENUM64, BTF_KIND.PTR].includes(type.kind as 1)) return;
    const size = type.kind === BTF_KIND.PTR ? 8 : type.sizeOrType;
    if (![1, 2, 4, 8].includes(size)) return;
    this.fields.push({ name: name === "" ? "value" : name, offset, size, signed: this.#btf.isSigned(type), count });
  }
}
