// Norms of the query heads and the key of a KV head, where they are, in the order of head-norm.lavapipe.wgsl. For layers that
// have them, beside between-products.lavapipe.wgsl.
// include: ../head-norm/head-normed.wgsl

fn normHeads(token: u32, kvHead: u32, lane: u32) {
  for (var i = 0u; i <= GROUP + hiddenZero(); i++) {
    let isQuery = i < GROUP;
    normHead(headStart(token, select(GROUP * KV_HEADS + kvHead, kvHead * GROUP + i, isQuery)), isQuery, lane);
  }
}

fn normHead(start: u32, isQuery: bool, lane: u32) {
  var squares = 0.0;
  for (var i = lane; i < HEAD_DIM + hiddenZero(); i += 8u) { squares += floats[start + i] * floats[start + i]; }
  let scale = rmsScale(subgroupAdd(squares), HEAD_DIM, EPS);
  for (var i = lane; i < HEAD_DIM + hiddenZero(); i += 8u) {
    floats[start + i] = headNormed(floats[start + i], scale, i, isQuery);
  }
}
