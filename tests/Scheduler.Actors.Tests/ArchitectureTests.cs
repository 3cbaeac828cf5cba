using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Scheduler.Core;
using Scheduler.Storage;

namespace Scheduler.Actors.Tests;

/// <summary>The borders between the parts (design, section 3).</summary>
public sealed partial class ArchitectureTests
{
    private static readonly string s_root = FindRoot();

    [Fact]
    public void The_core_references_nothing_but_the_base_library() =>
        Assert.All(References(typeof(VolumeCore).Assembly), name => Assert.StartsWith("System", name, StringComparison.Ordinal));

    [Fact]
    public void The_core_uses_no_clock_thread_file_socket_or_random_source() =>
        Assert.All(Sources("actors/Scheduler.Core"), file => Assert.DoesNotMatch(Impure(), File.ReadAllText(file)));

    [Fact]
    public void Storage_knows_nothing_of_actors_or_the_core() =>
        Assert.DoesNotContain(References(typeof(IBlockDevice).Assembly), name => name.StartsWith("Scheduler.", StringComparison.Ordinal));

    [Fact]
    public void Actors_know_no_front_end_and_no_socket() =>
        Assert.Empty(References(typeof(VolumeScheduler).Assembly).Intersect(["Scheduler.Nbd", "scheduler", "System.Net.Sockets"]));

    [Theory]
    [InlineData("hosting/Scheduler.Nbd/Scheduler.Nbd.csproj")]
    [InlineData("hosting/Scheduler.Xen/Scheduler.Xen.csproj")]
    [InlineData("hosting/Scheduler.FrontEnd/Scheduler.FrontEnd.csproj")]
    public void Front_ends_reference_no_core(string project)
    {
        IEnumerable<string> references = XDocument.Load(Path.Combine(s_root, project))
            .Descendants("ProjectReference").Select(reference => Path.GetFileNameWithoutExtension((string)reference.Attribute("Include")!));
        Assert.DoesNotContain("Scheduler.Core", references);

        // Nor through another project.
        Assert.Contains("<DisableTransitiveProjectReferences>true<", File.ReadAllText(Path.Combine(s_root, "Directory.Build.props")), StringComparison.Ordinal);
        Assert.All(Sources(Path.GetDirectoryName(project)!), file => Assert.DoesNotContain("Scheduler.Core", File.ReadAllText(file), StringComparison.Ordinal));
    }

    [Fact]
    public void Only_VolumeScheduler_calls_Step()
    {
        IEnumerable<string> callers = Sources("actors", "hosting", "storage")
            .Where(file => StepCall().IsMatch(File.ReadAllText(file)))
            .Select(file => Path.GetFileName(file));
        Assert.Equal(["VolumeScheduler.cs"], callers);
    }

    [Fact]
    public void Only_the_hosts_have_a_Main()
    {
        IEnumerable<string> programs = Directory.EnumerateFiles(s_root, "*.csproj", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/tests/", StringComparison.Ordinal) && File.ReadAllText(file).Contains("<OutputType>Exe<", StringComparison.Ordinal))
            .Select(file => Path.GetFileName(file));
        Assert.Equal(["Scheduler.Host.Cluster.csproj", "Scheduler.Host.csproj"], programs.Order(StringComparer.Ordinal));
    }

    [GeneratedRegex(@"\b(DateTime|Stopwatch|Environment|Random|Thread|Task|File|Socket|Guid)\b\s*\.|\bnew Random\b|\block\s*\(|Interlocked")]
    private static partial Regex Impure();

    [GeneratedRegex(@"\.Step\(")]
    private static partial Regex StepCall();

    private static IEnumerable<string> References(Assembly assembly) =>
        assembly.GetReferencedAssemblies().Select(reference => reference.Name!);

    private static IEnumerable<string> Sources(params string[] folders) =>
        from folder in folders
        from file in Directory.EnumerateFiles(Path.Combine(s_root, folder), "*.cs", SearchOption.AllDirectories)
        where !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal)
        select file;

    private static string FindRoot([CallerFilePath] string here = "")
    {
        string? folder = Path.GetDirectoryName(here);
        while (folder is not null && !File.Exists(Path.Combine(folder, "Scheduler.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("the repository's root was not found above " + here);
    }
}
