/** Weights e^x below this x, relative to the likeliest token's, are left out: all of them together are less than one draw in 10⁷. */
const smallestExponent = -30;

/** Tokens whose logit is below `fround(largest + floorOffset)` are out: by min-p, or because they are next to impossible. An f32. */
export function floorOffset({ temperature, minP }: { readonly temperature: number; readonly minP: number }): number {
  return Math.fround(temperature * Math.max(smallestExponent, Math.log(minP)));
}
