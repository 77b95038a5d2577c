package sluice.runner;

import java.io.IOException;
import java.util.List;
import java.util.OptionalLong;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.column.statistics.Statistics;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.hadoop.metadata.ColumnChunkMetaData;
import org.apache.parquet.hadoop.metadata.ColumnPath;
import org.apache.parquet.hadoop.util.HadoopInputFile;

/** Row counts from the footers of Parquet files, without reading their rows. */
final class Footers {
  private final ColumnPath column;
  private long rows;
  private long nulls;
  private boolean countsNulls = true;

  private Footers(String column) {
    this.column = ColumnPath.get(column);
  }

  /**
   * Reads the footers of files and of the files in folders. The number of NULLs in a column is only
   * known when every footer has it.
   */
  static Footers of(List<String> paths, String column, Configuration configuration)
      throws IOException {
    Footers footers = new Footers(column);
    for (String each : paths) {
      Path path = new Path(each);
      FileSystem files = path.getFileSystem(configuration);
      footers.add(files, files.getFileStatus(path), configuration);
    }
    return footers;
  }

  long rows() {
    return rows;
  }

  OptionalLong nulls() {
    return countsNulls ? OptionalLong.of(nulls) : OptionalLong.empty();
  }

  private void add(FileSystem files, FileStatus status, Configuration configuration)
      throws IOException {
    if (status.isDirectory()) {
      for (FileStatus inside : files.listStatus(status.getPath())) {
        // Spark does not read such files either.
        if (!inside.getPath().getName().matches("[_.].*")) {
          add(files, inside, configuration);
        }
      }
      return;
    }
    try (ParquetFileReader reader =
        ParquetFileReader.open(HadoopInputFile.fromStatus(status, configuration))) {
      for (BlockMetaData block : reader.getFooter().getBlocks()) {
        rows += block.getRowCount();
        addNulls(block);
      }
    }
  }

  private void addNulls(BlockMetaData block) {
    for (ColumnChunkMetaData chunk : block.getColumns()) {
      if (chunk.getPath().equals(column)) {
        Statistics<?> statistics = chunk.getStatistics();
        if (statistics != null && statistics.isNumNullsSet()) {
          nulls += statistics.getNumNulls();
          return;
        }
      }
    }
    countsNulls = false;
  }
}
