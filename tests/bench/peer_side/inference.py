"""INT8 inference by ONNX Runtime on the QDQ model of the same package."""

import numpy
import onnxruntime

MODES = ("run", "io_binding")


class Inference:
    """From float images to logits; the input is filled once."""

    def __init__(self, model, mode, batch, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = (
            onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL)
        self._session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"])
        image = self._session.get_inputs()[0]
        shape = [batch] + list(image.shape[1:])
        values = numpy.random.default_rng(1).integers(0, 256, shape)
        self._feed = {image.name: values.astype(numpy.float32)}
        self._binding = None
        if mode == "io_binding":
            self._bind(image.name)

    def _bind(self, name):
        output = self._session.get_outputs()[0].name
        logits = self._session.run([output], self._feed)[0]
        self._binding = self._session.io_binding()
        self._value = onnxruntime.OrtValue.ortvalue_from_numpy(
            self._feed[name])
        self._result = onnxruntime.OrtValue.ortvalue_from_numpy(logits)
        self._binding.bind_ortvalue_input(name, self._value)
        self._binding.bind_ortvalue_output(output, self._result)

    def run(self):
        if self._binding is None:
            return self._session.run(None, self._feed)
        return self._session.run_with_iobinding(self._binding)
