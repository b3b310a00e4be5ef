/** Counts what was checked and closes with the plain line that `.ci/run` adds up: `N passed, N failed`. */
import process from "node:process";

/** A list of named checks with their outcome. */
export class Checks {
  #passed = 0;
  #failed = 0;

  /** How many failed so far. */
  get failed(): number {
    return this.#failed;
  }

  /** Notes one outcome and prints it. `problems` are shown below the name; the check passes when there are none. */
  note(name: string, problems: readonly string[] = []): void {
    if (problems.length === 0) {
      this.#passed++;
      console.log(`ok    ${name}`);
      return;
    }
    this.#failed++;
    console.log(`FAIL  ${name}`);
    for (const problem of problems) console.log(`      ${problem.replaceAll("\n", "\n      ")}`);
  }

  /** Adds what a test runner counted. */
  add(passed: number, failed: number): void {
    this.#passed += passed;
    this.#failed += failed;
  }

  /** Runs one check; what it throws makes it fail. */
  async run(name: string, check: () => unknown): Promise<void> {
    try {
      await check();
      this.note(name);
    } catch (error) {
      this.note(name, [error instanceof Error ? error.message : String(error)]);
    }
  }

  /** Prints the closing line and sets the exit code. */
  finish(): void {
    console.log(`${this.#passed} passed, ${this.#failed} failed`);
    if (this.#failed > 0) process.exitCode = 1;
  }
}

/** The last closing line in a text, if there is one. */
export function closingLine(text: string): { passed: number; failed: number } | undefined {
  const last = [...text.matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1);
  return last && { passed: Number(last[1]), failed: Number(last[2]) };
}
