# Clears the upper halves of the host's vector registers before QEMU's emulation of a guest's AVX arithmetic runs on SSE
# (see upper_halves.py). One library, used in two ways: QEMU loads it as a plugin, and fma and fmaf stand in front of
# the C library's. System V calling convention throughout.

# --- fma and fmaf: operands in xmm0, xmm1 and xmm2, result in xmm0; no register is kept

        .text
        .globl  fmaf
        .type   fmaf, @function
fmaf:   vzeroupper
        vfmadd213ss %xmm2, %xmm1, %xmm0
        ret
        .size   fmaf, . - fmaf

        .globl  fma
        .type   fma, @function
fma:    vzeroupper
        vfmadd213sd %xmm2, %xmm1, %xmm0
        ret
        .size   fma, . - fma

# --- the plugin (QEMU, docs/devel/tcg-plugins). Its interface 3, of QEMU 9.1, gives an instruction's bytes by copy

        # Weak: only QEMU has these, and the library stands in front of other programs' C library as well.
        .weak   qemu_plugin_register_vcpu_tb_trans_cb, qemu_plugin_tb_n_insns, qemu_plugin_tb_get_insn
        .weak   qemu_plugin_insn_data, qemu_plugin_register_vcpu_insn_exec_cb

        .data
        .globl  qemu_plugin_version
        .type   qemu_plugin_version, @object
        .size   qemu_plugin_version, 4
qemu_plugin_version:
        .long   3

        .text
        .globl  qemu_plugin_install
        .type   qemu_plugin_install, @function
qemu_plugin_install:                            # (id, info, argc, argv) → 0
        subq    $8, %rsp
        leaq    translated(%rip), %rsi
        call    qemu_plugin_register_vcpu_tb_trans_cb@PLT
        xorl    %eax, %eax
        addq    $8, %rsp
        ret
        .size   qemu_plugin_install, . - qemu_plugin_install

# (id, block): each instruction of a block that is being translated is looked at once, and marked if it is one of ours.
        .type   translated, @function
translated:
        pushq   %rbx                            # the block
        pushq   %r12                            # its number of instructions
        pushq   %r13                            # the one we are at
        pushq   %r14
        subq    $24, %rsp                       # first bytes of an instruction; keeps the stack aligned to 16
        movq    %rsi, %rbx
        movq    %rsi, %rdi
        call    qemu_plugin_tb_n_insns@PLT
        movq    %rax, %r12
        xorl    %r13d, %r13d
.Leach: cmpq    %r12, %r13
        jae     .Lend
        movq    %rbx, %rdi
        movq    %r13, %rsi
        call    qemu_plugin_tb_get_insn@PLT
        movq    %rax, %r14
        movl    $0, (%rsp)
        movq    %rax, %rdi
        movq    %rsp, %rsi
        movl    $4, %edx
        call    qemu_plugin_insn_data@PLT

        movb    (%rsp), %al                     # Intel SDM volume 2, 2.3.5: VEX is C5, or C4 with the map in bits 0 to 4
        cmpb    $0xc5, %al
        jne     .Lthree
        movb    2(%rsp), %al
        jmp     .Lmap1
.Lthree:
        cmpb    $0xc4, %al
        jne     .Lnext
        movb    1(%rsp), %cl
        andb    $0x1f, %cl
        movb    3(%rsp), %al
        cmpb    $1, %cl
        je      .Lmap1
        cmpb    $2, %cl
        jne     .Lnext
        cmpb    $0x96, %al                      # map 2, 96 to 9F, A6 to AF, B6 to BF: fused multiply-add
        jb      .Lnext
        cmpb    $0xbf, %al
        ja      .Lnext
        andb    $0xf, %al
        cmpb    $6, %al
        jb      .Lnext
        jmp     .Lours
.Lmap1: cmpb    $0x58, %al                      # map 1, 58 to 5F: add, mul, conversions, sub, min, div, max
        jb      .Lnext
        cmpb    $0x5f, %al
        ja      .Lnext
.Lours: movq    %r14, %rdi
        leaq    clear(%rip), %rsi
        xorl    %edx, %edx                      # it reads no register of the guest
        xorl    %ecx, %ecx
        call    qemu_plugin_register_vcpu_insn_exec_cb@PLT
.Lnext: incq    %r13
        jmp     .Leach
.Lend:  addq    $24, %rsp
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        ret
        .size   translated, . - translated

# (processor, nothing): runs before the instruction; no caller keeps anything in vector registers across a call.
        .type   clear, @function
clear:  vzeroupper
        ret
        .size   clear, . - clear

        .section .note.GNU-stack, "", @progbits
