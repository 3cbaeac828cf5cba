using Microsoft.Extensions.Logging;
using Scheduler.Host.Configuration;
using Scheduler.Host.Running;
using Scheduler.Host.Tests.Configuration;

namespace Scheduler.Host.Tests.Running;

public sealed class LogLevelsTests
{
    // A category of each part, and one of none.
    private static readonly string[] s_categories =
    [
        "Scheduler.Host.Running.Service",
        "Scheduler.Nbd.Server.NbdServer",
        "Scheduler.Actors.Local.LocalSystem",
        "Scheduler.Host.Api.FaultRoutes",
        "Microsoft.AspNetCore.Hosting.Diagnostics",
        "Scheduler.Host.Running.ConfigurationReload",
    ];

    [Theory]
    [InlineData("", "information information information information warning information")]
    [InlineData("log.level=error", "error error error error error error")]
    [InlineData("log.levels.volume=debug", "debug information information information warning information")]
    [InlineData("log.levels.nbd=none", "information none information information warning information")]
    [InlineData("log.levels.actors=trace", "information information trace information warning information")]
    [InlineData("log.levels.admin=debug", "information information information debug debug information")]
    public void A_message_goes_by_its_part(string set, string lowest)
    {
        using ConfigFile file = new();
        LogLevels levels = new(file.Load(set.Length == 0 ? [] : [set]).Log);
        Assert.Equal(lowest, string.Join(' ', s_categories.Select(LowestOf)));

        string LowestOf(string category) =>
            KebabName.Of(Enum.GetValues<LogLevel>().First(level => level == LogLevel.None || levels.IsEnabled(category, level)));
    }

    [Fact]
    public void A_wrong_level_is_refused()
    {
        using ConfigFile file = new();
        Assert.Contains("scheduler.log.levels.nbd: 'loud' is not one of trace", file.Error("log.levels.nbd=loud"));
        Assert.Contains("scheduler.log.levels.nbdd: unknown key; did you mean scheduler.log.levels.nbd?", file.Error("log.levels.nbdd=debug"));
    }
}
