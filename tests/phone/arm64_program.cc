#include "tests/phone/arm64_program.h"

#include <elf.h>

#include <cstdint>
#include <vector>

#include "tests/phone/adb_protocol.h"

namespace frostnas::phone {
namespace {

using Code = std::vector<uint32_t>;

constexpr uint64_t kBase = 0x400000;
constexpr uint64_t kCodeAt = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);

// Numbers of Linux's system calls.
constexpr uint32_t kOpenAt = 56, kRead = 63, kWrite = 64, kExit = 93;

// Instructions.
constexpr uint32_t kCallSystem = 0xd4000001;          // svc #0
constexpr uint32_t kLoop = 0x14000000;                // b .
constexpr uint32_t kMakeRoom = 0xd14007ff;            // sub sp, sp, #4096
constexpr uint32_t kX1IsStack = 0x910003e1;           // mov x1, sp
constexpr uint32_t kX2IsX0 = 0xaa0003e2;              // mov x2, x0
constexpr uint32_t kX0IsHere = 0x92800000 | 99 << 5;  // mov x0, #AT_FDCWD

// mov xREGISTER, #value
constexpr uint32_t Move(uint32_t to, uint32_t value) {
  return 0xd2800000 | value << 5 | to;
}

// adr xREGISTER, .+distance, which is a multiple of 4
constexpr uint32_t Address(uint32_t to, size_t distance) {
  return 0x10000000 | static_cast<uint32_t>(distance / 4) << 5 | to;
}

// One loaded segment: headers, code, data.
std::string Elf(const Code& code, absl::string_view data) {
  std::string body;
  for (const uint32_t instruction : code) AppendLe32(instruction, &body);
  body.append(data.data(), data.size());
  Elf64_Ehdr header = {};
  constexpr unsigned char kIdent[] = {0x7f,       'E',         'L',       'F',
                                      ELFCLASS64, ELFDATA2LSB, EV_CURRENT};
  std::copy(std::begin(kIdent), std::end(kIdent), header.e_ident);
  header.e_type = ET_EXEC;
  header.e_machine = EM_AARCH64;
  header.e_version = EV_CURRENT;
  header.e_entry = kBase + kCodeAt;
  header.e_phoff = sizeof(header);
  header.e_ehsize = sizeof(header);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 1;
  Elf64_Phdr segment = {};
  segment.p_type = PT_LOAD;
  segment.p_flags = PF_R | PF_X;
  segment.p_vaddr = kBase;
  segment.p_paddr = kBase;
  segment.p_filesz = kCodeAt + body.size();
  segment.p_memsz = segment.p_filesz;
  segment.p_align = 0x1000;
  std::string file(reinterpret_cast<const char*>(&header), sizeof(header));
  file.append(reinterpret_cast<const char*>(&segment), sizeof(segment));
  return file + body;
}

// `code` with the address of the data behind it in instruction `at`.
std::string ElfWithData(Code code, size_t at, absl::string_view data) {
  const uint32_t to = code[at];
  code[at] = Address(to, 4 * (code.size() - at));
  return Elf(code, data);
}

}  // namespace

std::string Arm64Printer(absl::string_view text, int exit_code) {
  return ElfWithData(
      {Move(0, 1), /*register of the data*/ 1,
       Move(2, static_cast<uint32_t>(text.size())), Move(8, kWrite),
       kCallSystem, Move(0, static_cast<uint32_t>(exit_code)), Move(8, kExit),
       kCallSystem},
      1, text);
}

std::string Arm64Reader(absl::string_view path) {
  return ElfWithData({kX0IsHere, /*register of the data*/ 1, Move(2, 0),
                      Move(8, kOpenAt), kCallSystem,  // openat
                      kMakeRoom, kX1IsStack, Move(2, 4096), Move(8, kRead),
                      kCallSystem,  // read
                      kX2IsX0, Move(0, 1), Move(8, kWrite),
                      kCallSystem,                               // write
                      Move(0, 0), Move(8, kExit), kCallSystem},  // exit
                     1, std::string(path) + '\0');
}

std::string Arm64Spinner() { return Elf({kLoop}, ""); }

}  // namespace frostnas::phone
