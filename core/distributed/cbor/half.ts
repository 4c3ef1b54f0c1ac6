/** Floats of 16 bits: a sign, 5 bits of exponent, 10 of mantissa. */

/**
 * Returns the bits of the half that is equal to a float of 32 bits.
 *
 * @param bits The bits of that float, which is not NaN.
 * @returns The bits, or -1 if no half is equal.
 */
export function toHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  const mantissa = bits & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00;
  if (exponent === 0) return mantissa === 0 ? sign : -1;
  const halfExponent = exponent - 127 + 15;
  if (halfExponent >= 31) return -1;
  if (halfExponent > 0) return mantissa & 0x1fff ? -1 : sign | (halfExponent << 10) | (mantissa >>> 13);
  // Without the implied bit, in units of 2^-24.
  const dropped = 14 - halfExponent;
  const whole = mantissa | 0x800000;
  return dropped > 23 || whole & ((1 << dropped) - 1) ? -1 : sign | (whole >>> dropped);
}

/** Returns the number with the bits of a half. */
export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0) return sign * mantissa * SCALES[1];
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN;
  return sign * (mantissa + 1024) * SCALES[exponent];
}

/** What the last bit of the mantissa is worth, by exponent. */
const SCALES: readonly number[] = Array.from({ length: 31 }, (_, exponent) => 2 ** (exponent - 25));
