import { StreamsFullError, TooManyStreamsError } from "./errors.ts";

/**
 * Counts the streams that are open. `take` gives what frees the seat again, once however often it is called.
 * Errors: TooManyStreamsError, StreamsFullError
 */
export function seats(limits: { readonly perAddress: number; readonly inAll: number }) {
  const byAddress = new Map<string, number>();
  let taken = 0;
  return {
    take(address: string): () => void {
      const own = byAddress.get(address) ?? 0;
      if (own >= limits.perAddress) throw new TooManyStreamsError(limits.perAddress);
      if (taken >= limits.inAll) throw new StreamsFullError(limits.inAll);
      byAddress.set(address, own + 1);
      taken++;
      let isFree = false;
      return () => {
        if (isFree) return;
        isFree = true;
        taken--;
        const left = byAddress.get(address)! - 1;
        if (left === 0) byAddress.delete(address);
        else byAddress.set(address, left);
      };
    },
  };
}
