// F1-F6, O1-O6, Q1, Q2 (pieces), Q4, S2-S4 over random loads, against the reference model. A failure prints FsCheck's
// seed, the shortest load that it found, and that load's trace. CORE_RANDOM_LOADS=100000 runs for longer.
using System.Globalization;
using FsCheck;
using FsCheck.Fluent;

namespace Scheduler.Core.Tests.Random;

public class RandomLoadTests
{
    private const string Loads = "3000";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_rule_holds_over_random_loads(bool syncsFail)
    {
        int loads = int.Parse(Environment.GetEnvironmentVariable("CORE_RANDOM_LOADS") ?? Loads, CultureInfo.InvariantCulture);
        Config config = Config.QuickThrowOnFailure.WithMaxTest(loads).WithQuietOnSuccess(true);
        FsCheck.Check.One(config, Prop.ForAll(RandomLoad.Arbitrary, load => LoadDriver.Run(load.Volume, load.Commands, syncsFail)));
    }
}
