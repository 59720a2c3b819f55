/** The path of a little curve from zero up, as wide and high as said; the newest at the right. */
export function sparklinePath(
  values: readonly number[],
  width: number,
  height: number,
  pointsMax: number,
): string {
  if (values.length < 2) return '';
  const peak = Math.max(...values, 1e-9);
  const step = width / (pointsMax - 1);
  const start = width - (values.length - 1) * step;
  return values
    .map((value, index) => {
      const x = start + index * step;
      const y = height - 1.5 - (Math.max(0, value) / peak) * (height - 3);
      return `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
    })
    .join('');
}

/** No more points than so many: the mean of what falls together. */
export function thinned(values: readonly number[], countMax: number): number[] {
  if (values.length <= countMax) return [...values];
  const size = values.length / countMax;
  return Array.from({ length: countMax }, (_, index) => {
    const part = values.slice(
      Math.floor(index * size),
      Math.max(Math.floor(index * size) + 1, Math.floor((index + 1) * size)),
    );
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}
