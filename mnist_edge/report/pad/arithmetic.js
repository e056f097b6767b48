// Integer arithmetic as TensorFlow Lite's reference kernels have it, to the bit.
//
// A real factor is an integer of 31 bits and a shift: multiplier / 2^31 * 2^shift. Products take up
// to 62 bits, more than a number of JavaScript holds exactly, so they are made of two halves.

const TWO_31 = 2147483648;
const GREATEST = 2147483647;

const clamped = (value, low, high) => (value < low ? low : value > high ? high : value);

const roundHalfAway = (value) => Math.sign(value) * Math.floor(Math.abs(value) + 0.5);

function roundHalfEven(value) {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below;
}

// The high half of 2ab, rounded to the nearest; halves go up. |a|, |b| < 2^31.
function doublingHighProduct(a, b) {
  const negative = a < 0 !== b < 0;
  const [left, right] = [Math.abs(a), Math.abs(b)];
  const nudge = negative ? (1 << 30) - 1 : 1 << 30;
  const low = left * (right & 0xffff) + nudge;
  const high = left * (right >>> 16) + Math.floor(low / 65536);
  const found = Math.floor(high / 32768);
  return negative ? -found : found;
}

// value / 2^exponent, 0 to 31, rounded to the nearest; halves go away from zero.
function shiftedRight(value, exponent) {
  const mask = exponent < 31 ? (1 << exponent) - 1 : GREATEST;
  const remainder = value & mask;
  const threshold = (mask >> 1) + (value < 0 ? 1 : 0);
  return (value >> exponent) + (remainder > threshold ? 1 : 0);
}

// Return {multiplier, shift} of a real factor above 0.
function factor(real) {
  let shift = Math.max(-1074, Math.floor(Math.log2(real)) + 1);
  while (real / 2 ** shift >= 1) shift += 1;
  while (real / 2 ** shift < 0.5) shift -= 1;
  let multiplier = roundHalfAway((real / 2 ** shift) * TWO_31);
  if (multiplier === TWO_31) {
    multiplier /= 2;
    shift += 1;
  }
  return shift < -31 ? { multiplier: 0, shift: 0 } : { multiplier, shift };
}

// An integer times a factor, rounded twice, as most of the reference kernels do.
function scaled(value, { multiplier, shift }) {
  if (shift > 0) return doublingHighProduct(value * 2 ** shift, multiplier);
  return shiftedRight(doublingHighProduct(value, multiplier), -shift);
}

// The same rounded once, as that of FULLY_CONNECTED does; halves go away from zero.
function scaledOnce(value, { multiplier, shift }) {
  const size = Math.abs(value);
  const high = size * (multiplier >>> 16) + Math.floor((size * (multiplier & 0xffff)) / 65536);
  const found = Math.floor((high + 2 ** (14 - shift)) / 2 ** (15 - shift));
  return value < 0 ? -found : found;
}

// exp of `value` / 2^26, which is 0 or below, as an integer of 2^31: a polynomial for the last
// quarter, and a factor for each binary digit above.
const QUARTER = 1 << 24;
const EXP_OF_MINUS = [1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242];

function expOfNegative(value) {
  if (value === 0) return GREATEST;
  const rest = (value & (QUARTER - 1)) - QUARTER;
  const x = rest * 32 + (1 << 28);
  const square = doublingHighProduct(x, x);
  const cube = doublingHighProduct(square, x);
  const fourth = shiftedRight(doublingHighProduct(square, square), 2);
  const third = doublingHighProduct(fourth + cube, 715827883) + square;
  const atEighth = 1895147668;
  let found = atEighth + doublingHighProduct(atEighth, x + shiftedRight(third, 1));
  const digits = rest - value;
  EXP_OF_MINUS.forEach((multiplier, digit) => {
    if (digits & (QUARTER << digit)) found = doublingHighProduct(found, multiplier);
  });
  return found;
}

// 1 / (1 + x / 2^31) as an integer of 2^31, by Newton's method.
function reciprocalOfOnePlus(x) {
  const half = Math.floor((x + GREATEST + 1) / 2);
  let found = 1515870810 + doublingHighProduct(half, -1010580540); // 48/17 - 32/17 * half
  for (let round = 0; round < 3; round += 1) {
    const missing = (1 << 29) - doublingHighProduct(half, found);
    found += doublingHighProduct(found, missing) * 4;
  }
  return Math.min(found * 2, GREATEST);
}
