# Loops the `run` part of a case in lock-step with memcase (docs/protocol.md).
#
# The loop keeps nothing: one buffer for orders, one counter. Perl has no counter of its
# own heap, so the slot stays unused: memcase knows what the kernel tells.

package Memcase;

use strict;
use warnings;

# The descriptor, closed in the programs that the snippet starts (F_SETFD, FD_CLOEXEC).
sub descriptor {
    my ($name, $mode) = @_;
    my $number = $ENV{"MEMCASE_${name}_FD"};
    return unless defined $number;
    open my $file, "$mode&=", $number or die "memcase: descriptor $number: $!\n";
    binmode $file;
    fcntl $file, 2, 1;
    return $file;
}

# Answers turns until memcase closes its end.
sub drive {
    my ($run) = @_;
    my ($orders, $answers) = (descriptor('READ', '<'), descriptor('WRITE', '>'));
    our $slot = descriptor('SLOT', '+<');
    my $runs = $ENV{MEMCASE_BATCH} || 1;
    my ($order, $count) = ('', 0);
    syswrite $answers, "\n";
    while (sysread $orders, $order, 1) {
        if ($order eq "\n") {
            for (my $left = $runs; $left > 0; $left--) {
                $run->($count);
                $count++;
            }
        }
        elsif ($order eq '2') { $runs *= 2 }
        else { die "memcase: the order $order is not known\n" }
        syswrite $answers, "\n";
    }
    return;
}

1;
