using Scheduler.Core;
using Scheduler.Host.Configuration;
using Scheduler.Simulation;

namespace Scheduler.Host.Experiments;

/// <summary>Checks an experiment's file as a whole and gives the experiment, or an error that names the first wrong key.</summary>
/// <param name="reader">The file.</param>
/// <param name="path">The file's path as it was given.</param>
internal sealed class ExperimentBuilder(SettingsReader reader, string path)
{
    /// <summary>Longer runs would take days.</summary>
    public static readonly TimeSpan DurationMax = TimeSpan.FromMicroseconds(ExperimentLimits.DurationNsMax / 1000);

    /// <summary>Shorter ones measure nothing.</summary>
    public static readonly TimeSpan DurationMin = TimeSpan.FromMilliseconds(1);

    private readonly ExperimentSection _root = new(reader, "");

    /// <summary>Checks everything.</summary>
    /// <returns>The experiment.</returns>
    /// <exception cref="HoconException">A value is missing or wrong.</exception>
    public ExperimentSpec Build()
    {
        List<PolicyKind> policies = _root.List("policies", (from, key, text) => from.Choice<PolicyKind>(key, text));
        ExperimentDevice device = DeviceRules.Check(_root.Section("device"));
        List<ExperimentGroup> groups = new GroupRules(_root.Section("groups"), device).Check(new HoconPosition(path, 0));
        return new ExperimentSpec
        {
            Name = Path.GetFileNameWithoutExtension(path),
            Description = _root.Raw("description") ?? "",
            Groups = groups,
            Device = device,
            Policies = policies,
            Seeds = _root.List("seeds", (from, key, text) => from.Count(key, text, 0, int.MaxValue)),
            DurationNs = _root.Ns("duration", DurationMin, DurationMax),
            WarmupNs = _root.Ns("warmup", TimeSpan.Zero, DurationMax),
            Depth = _root.Count("depth", 1, ExperimentLimits.DepthMax),
            Alone = _root.Flag("alone"),
            Expectations = [.. reader.ItemsOf("expect").Select(key => ExpectationRules.Check(new ExperimentSection(reader, key), policies, groups))],
        };
    }
}
