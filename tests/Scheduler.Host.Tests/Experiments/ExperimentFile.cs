using Scheduler.Host.Configuration;
using Scheduler.Host.Experiments;
using Scheduler.Simulation;

namespace Scheduler.Host.Tests.Experiments;

/// <summary>A temporary directory with an experiment, and what loading it gives.</summary>
internal sealed class ExperimentFile : IDisposable
{
    /// <summary>Small enough to run in a moment; lines are counted on by tests.</summary>
    public const string Valid = """
        description = "a reader beside two that flush"
        policies = [fair, fifo]
        seeds = [1, 2]
        duration = 20ms
        warmup = 5ms
        groups {
          reader { workload { kind = random-read } }
          flusher { count = 2, workload { kind = flush-storm } }
        }
        expect = [
          { policy = fair, group = reader, metric = throughput, at-least = 1 }
        ]
        """;

    public ExperimentFile(string text = Valid) => Write("x.conf", text);

    public string Folder { get; } = Directory.CreateTempSubdirectory("experiments").FullName;

    public string Path => System.IO.Path.Combine(Folder, "x.conf");

    public void Write(string name, string text) => File.WriteAllText(System.IO.Path.Combine(Folder, name), text);

    public ExperimentSpec Load() => ExperimentLoader.Load(Path, _ => null);

    /// <summary>The error, with the directory left out.</summary>
    public string Error() => Assert.Throws<HoconException>(Load).Message.Replace(Folder + "/", "", StringComparison.Ordinal);

    public static ExperimentSpec LoadText(string text)
    {
        using ExperimentFile file = new(text);
        return file.Load();
    }

    public static string ErrorOf(string text)
    {
        using ExperimentFile file = new(text);
        return file.Error();
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
