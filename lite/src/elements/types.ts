/** What the course engine says about a step: the same object in every home of the course. */

export type CheckKind = "confidence" | "unit" | "learning" | "recorded" | "stretch";

export interface CheckResult {
  id: string;
  title: string;
  kind: CheckKind;
  outcome: "passed" | "failed" | "error";
  message?: string | null;
  /** In the student's own text, counted from 1. */
  line?: number | null;
  expected?: unknown;
  got?: unknown;
}

export interface Report {
  step: string;
  outcome: "passed" | "failed" | "error";
  phase: "parse" | "import" | "check";
  tests: CheckResult[];
  duration_ms: number;
  /** Said before the checks: why the file does not parse, what it raised, or the known mistake that was recognized. */
  message?: string | null;
  line?: number | null;
  mistake?: string | null;
  /** What the code printed while it was checked. */
  output?: string;
}

export interface CheckReply {
  report: Report;
  chapter_done?: boolean;
  /** Open steps of earlier chapters. */
  missing?: string[];
  /** The first open step of the course. */
  next?: string | null;
  /** Finished steps whose foundations are other ones since this check. */
  due?: string[];
}

export interface SolutionReply {
  solution: string;
  /** Seen without having passed: on record. */
  revealed: boolean;
}

/** The values of the `status` attribute. */
export type Status = "idle" | "booting" | "running" | "passed" | "failed" | "error" | "stopped" | "revealed";

/** What `<tt-exercise>` carries in its script element. */
export interface ExerciseData {
  title: string;
  points: number;
  hints: string[];
  starter: string;
  starter_sha: string;
  module: string;
  level: number;
}
