using System.Reflection;
using System.Runtime.CompilerServices;
using Scheduler.Interop.Tests.Harness;
using Xunit.Abstractions;

namespace Scheduler.Cluster.Tests.Fencing;

/// <summary>
/// S5 on disks that have reservations: the kernel's own targets, in a machine that qemu emulates. An old owner that goes on writing
/// through one block device is fenced by a new one through another, and what lands is read below both.
/// </summary>
/// <param name="output">Takes what the machine said.</param>
public sealed class ReservationsOfDisksTests(ITestOutputHelper output)
{
    private const int NotToBeHad = 3;
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(8);

    // Each in both runs: scsi over a disk and over multipath, nvme by threads and by io_uring.
    private static readonly string[] s_shown =
    [
        "the_other_kind_is_refused_by_name",
        "a_disk_without_reservations_is_refused",
        "a_device_in_use_on_this_machine_is_not_taken",
        "writes_are_under_way_when_it_is_fenced",
        "nothing_of_the_old_owner_lands_after_the_fence",
        "its_writes_fail_as_kept_out",
        "the_new_owner_writes",
        "it_stays_out_when_another_process_of_the_owners_machine_comes",
        "it_stays_out_when_the_owner_has_given_the_volume_back",
        "a_former_owner_takes_over_from_one_that_has_left",
        "who_left_may_come_again",
        "a_preemption_that_was_broken_off_is_not_taken_for_done",
        "a_disk_is_reset_if_it_is_scsi",
        "a_strange_reservation_is_told",
        "and_let_be",
    ];

    [SkippableTheory]
    [Trait("Category", "Long")]
    [InlineData("scsi")]
    [InlineData("nvme")]
    public void S5_Nothing_of_an_old_owner_lands_after_the_fence(string kind)
    {
        Requires.Tool("apt-get", "dpkg-deb", "ldd", "xz", "timeout");
        string program = typeof(ReservationsOfDisksTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(told => told.Key == "FenceGuest").Value!;
        string script = Path.GetFullPath(Path.Combine(Here(), "../../rigs/fence/guest"));
        ToolResult run = Tool.Run(s_limit, script, kind, Path.GetDirectoryName(program)!);
        output.WriteLine(run.ToString());
        Requires.That(run.Status != NotToBeHad, run.Error);
        _ = run.Succeeded();
        Assert.DoesNotContain(" FAIL ", run.Output, StringComparison.Ordinal);
        Assert.Equal(2, run.Output.Split($"ENDED {kind} ").Length - 1);
        Assert.All(s_shown, name => Assert.True(run.Output.Split($" PASS {name} ").Length - 1 == 2, $"{name} was not shown twice"));
        Assert.Equal(kind == "scsi", run.Output.Contains(" PASS a_path_that_is_not_registered_is_told_and_is_when_the_volume_is_taken_again ", StringComparison.Ordinal));
    }

    private static string Here([CallerFilePath] string here = "") => Path.GetDirectoryName(here)!;
}
