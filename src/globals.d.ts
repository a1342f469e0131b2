// Without lib "dom" these names of the WebGPU and web-stream typings are missing.
type BufferSource = ArrayBufferView | ArrayBuffer;
