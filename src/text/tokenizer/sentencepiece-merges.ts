/**
 * SentencePiece stores a score for each piece and no merges: any two neighbours whose joined text is a piece may merge,
 * the best score first (Kudo & Richardson 2018). The same as a merge list: every way to cut every piece in two, in the
 * order of scores. Ties are ordered as Hugging Face's converter does: longer left half, then longer right half, first.
 *
 * @param mergeable [tokens.length] whether the piece takes part (control, unused and byte pieces do not)
 */
export function mergesFromScores(
  tokens: readonly string[],
  scores: readonly number[],
  mergeable: readonly boolean[],
): [string, string][] {
  const pieces = new Set(tokens.filter((_, id) => mergeable[id]));
  const merges: { left: string; right: string; score: number }[] = [];
  tokens.forEach((token, id) => {
    if (!mergeable[id]) return;
    for (let cut = 1; cut < token.length; cut++) {
      const left = token.slice(0, cut);
      const right = token.slice(cut);
      if (pieces.has(left) && pieces.has(right)) merges.push({ left, right, score: scores[id] });
    }
  });
  merges.sort((a, b) => b.score - a.score || b.left.length - a.left.length || b.right.length - a.right.length);
  return merges.map(({ left, right }) => [left, right]);
}
