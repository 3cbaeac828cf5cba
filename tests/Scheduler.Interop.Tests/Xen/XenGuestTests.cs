using System.Runtime.CompilerServices;
using Scheduler.Interop.Tests.Harness;
using Xunit.Abstractions;

namespace Scheduler.Interop.Tests.Xen;

/// <summary>
/// Linux guests of Xen, with their own block driver, whose disks the service serves from dom0: all of it in QEMU, by
/// <c>tests/rigs/xen</c>. <c>tests/run --xen</c> runs every scenario there is, otherwise there are two.
/// </summary>
[Collection(nameof(Alone))]
public sealed class XenGuestTests(ITestOutputHelper output)
{
    // What the script ends with when it can't have a program or a package that it needs.
    private const int NotHere = 77;

    private static readonly string[] s_short = ["flush", "barrier"];

    // The script has a limit of its own, and says more when that is passed.
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(20);

    public static TheoryData<string> Others => [.. Directory.GetFiles(Rig("scenarios"), "*.sh")
        .Select(path => Path.GetFileNameWithoutExtension(path)).Except(s_short).Order()];

    [SkippableFact]
    public void Linux_flushes_and_sends_barriers() => Run(s_short);

    [SkippableTheory]
    [Trait("Category", "Xen")]
    [MemberData(nameof(Others))]
    public void The_scenario_holds(string scenario) => Run(scenario);

    [Fact]
    public void A_scenario_that_there_is_not_is_named()
    {
        ToolResult result = Tool.Run(Rig("run"), "none");
        Assert.Equal(2, result.Status);
        Assert.Contains("scenario none", result.Error, StringComparison.Ordinal);
    }

    private static string Rig(string name, [CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../rigs/xen", name));

    private void Run(params string[] scenarios)
    {
        Environment.SetEnvironmentVariable("SCHEDULER_PROGRAM", SchedulerProgram.Path);
        ToolResult result = Tool.Run(s_limit, Rig("run"), scenarios);
        Requires.Installed(result.Status != NotHere, result.Error);
        output.WriteLine(result.Succeeded().Output);
        Assert.All(scenarios, scenario => Assert.Contains($"rig: {scenario}: held", result.Output, StringComparison.Ordinal));
    }
}
