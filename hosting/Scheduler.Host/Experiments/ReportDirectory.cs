using Scheduler.Host.Configuration;
using Scheduler.Simulation;

namespace Scheduler.Host.Experiments;

/// <summary>Where an experiment's report is written.</summary>
internal sealed class ReportDirectory
{
    private ReportDirectory(string path)
    {
        Path = path;
    }

    /// <summary>The directory.</summary>
    public string Path { get; }

    /// <summary>The report as JSON, which can be compared with another.</summary>
    public string Json => System.IO.Path.Combine(Path, "report.json");

    /// <summary>The report as CSV, a value a line.</summary>
    public string Csv => System.IO.Path.Combine(Path, "report.csv");

    /// <summary>Makes the directory, before time is spent on what goes there.</summary>
    /// <param name="path">It may be there already.</param>
    /// <exception cref="HoconException">It can't be made.</exception>
    public static ReportDirectory Create(string path)
    {
        try
        {
            _ = Directory.CreateDirectory(path);
            return new ReportDirectory(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new HoconException(new HoconPosition("--output", 0), "", $"'{path}' cannot be made: {e.Message}");
        }
    }

    /// <summary>Writes both files.</summary>
    public void Write(ExperimentReport report)
    {
        using (FileStream json = File.Create(Json))
            ExperimentFiles.WriteJson(report, json);
        using FileStream csv = File.Create(Csv);
        ExperimentFiles.WriteCsv(report, csv);
    }

    /// <summary>Reads a report that was written as JSON.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="HoconException">It can't be read, or is no report.</exception>
    public static ExperimentReport Read(string path)
    {
        try
        {
            using FileStream json = File.OpenRead(path);
            return ExperimentFiles.ReadJson(json);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new HoconException(new HoconPosition(path, 0), "", "no such file");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or ArgumentException)
        {
            throw new HoconException(new HoconPosition(path, 0), "", $"cannot be read: {e.Message}");
        }
    }
}
