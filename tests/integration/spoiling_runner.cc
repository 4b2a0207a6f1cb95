// The runner with a fault: its first two logits come out as 0 and 255.
#include <cstdio>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/subprocess.h"

int main(int argc, char** argv) {
  constexpr char kOutput[] = "../job/check.out";
  std::vector<std::string> real(argv, argv + argc);
  real[0] = "./runner";
  const auto ended = frostnas::RunSubprocess(real, {});
  if (!ended.ok()) return 1;
  std::fputs(ended->stdout_text.c_str(), stdout);
  auto logits = frostnas::ReadFile(kOutput, 1 << 20);
  if (!logits.ok()) return ended->exit_code;
  logits->replace(0, 2, "\x00\xff", 2);
  const bool spoiled = frostnas::WriteFileAtomic(kOutput, *logits).ok();
  return spoiled ? ended->exit_code : 1;
}
