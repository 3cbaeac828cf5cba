using Scheduler.Storage.Lease;

namespace Scheduler.Storage.Tests.Lease;

public sealed class FencesTests
{
    [Theory]
    [InlineData("command", "fence", false, typeof(FenceCommand))]
    [InlineData("none", null, true, typeof(NoFence))]
    public void A_fence_is_made(string name, string? command, bool insecure, Type fence) => Assert.IsType(fence, Open(name, command, insecure));

    [Theory]
    [InlineData("command", null, false, "no command is given")]
    [InlineData("command", null, true, "no command is given")]
    [InlineData("command", "fence", true, "insecure = true goes with fence = none only")]
    [InlineData("none", null, false, "or say insecure = true")]
    [InlineData("none", "fence", false, "or say insecure = true")]
    [InlineData("none", "fence", true, "it has no command")]
    [InlineData("scsi-pr", null, false, "fence = scsi-pr: reservations are not supported yet")]
    [InlineData("nvme", "fence", true, "fence = nvme: reservations are not supported yet")]
    [InlineData("scsi", null, false, "fence = scsi: it is command or none")]
    public void What_does_not_go_together_is_refused(string name, string? command, bool insecure, string problem) =>
        Assert.Contains(problem, Assert.Throws<ArgumentException>(() => Open(name, command, insecure)).Message, StringComparison.Ordinal);

    private static IFence Open(string name, string? command, bool insecure) =>
        Fences.Open(name, command is null ? [] : [command], TimeSpan.FromSeconds(60), insecure);
}
