using Scheduler.Host.Configuration;
using Scheduler.Simulation;

namespace Scheduler.Host.Experiments;

/// <summary>From an experiment's file to a checked experiment.</summary>
public static class ExperimentLoader
{
    private static readonly ReferenceFile _reference = new("hocon/experiment-reference.conf");

    /// <summary>Reads the reference and the file over it, and checks everything, traces included.</summary>
    /// <param name="path">A HOCON file; the experiment has its name.</param>
    /// <param name="environment">Gives an environment variable or null; by default this process's.</param>
    /// <returns>An experiment that can be run.</returns>
    /// <exception cref="HoconException">A file, key or value is wrong; the message is one line that names the first one.</exception>
    public static ExperimentSpec Load(string path, Func<string, string?>? environment = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        HoconObjectNode root = _reference.Parse();
        root.Merge(new HoconFiles().Load(path));
        HoconDocument document = _reference.Complete(root, environment ?? Environment.GetEnvironmentVariable);
        return new ExperimentBuilder(new SettingsReader(document), path).Build();
    }

    /// <summary>The text of the reference that this program was built with.</summary>
    internal static string ReadReference() => _reference.Read();

    /// <summary>The keys of the reference with its defaults, templates included.</summary>
    internal static HoconObject LoadReference() => _reference.Resolve(_ => null);
}
