import { path } from "@codegen/routes";

export class Client {
  readonly #origin: string;

  constructor(origin: string) {
    this.#origin = origin;
  }

  receipt(id: string): URL {
    return new URL(path("oneReceipt", { id }), this.#origin);
  }
}
