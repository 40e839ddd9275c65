/** One thing of a plan outside the project directory: what kind it is, and which. */
export interface Reach {
  readonly what: string;
  readonly value: string;
}
