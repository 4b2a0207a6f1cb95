// The figures of the procedural data set, as distance functions.
//
// Every figure fits the unit disk and is mirror-symmetric, so that a flipped
// picture of it, in whatever rotation, shows the same figure. Only arithmetic
// that IEEE 754 fixes is used: a figure is the same on every machine.
#ifndef FROSTNAS_NN_DATA_SHAPES_H_
#define FROSTNAS_NN_DATA_SHAPES_H_

namespace frostnas::nn {

inline constexpr int kShapes = 10;

// In the order of class labels.
extern const char* const kShapeNames[kShapes];

// Distance of (x, y) to figure `shape`'s border, negative inside. Exact near
// straight borders; a lower bound of the magnitude elsewhere.
float ShapeDistance(int shape, float x, float y);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_DATA_SHAPES_H_
